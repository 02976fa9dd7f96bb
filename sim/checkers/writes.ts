/** A set of writes by their numbers, which are those of a world from 1 on: one mark each, as there are thousands. */
export class Writes {
  private marks = new Uint8Array(8192);

  add(id: number): void {
    if (id >= this.marks.length) {
      const { marks } = this;
      this.marks = new Uint8Array(2 * Math.max(id, marks.length));
      this.marks.set(marks);
    }
    this.marks[id] = 1;
  }

  has(id: number): boolean {
    return this.marks[id] === 1;
  }
}
