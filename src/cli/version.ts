/** Which build this is. The constants are put in by the build; running from source there are none. */

declare const DICTATOR_VERSION: string | undefined;
declare const DICTATOR_BUILD_TIME: string | undefined;
declare const DICTATOR_REVISION: string | undefined;

const FROM_SOURCE = 'dev';

export const VERSION = typeof DICTATOR_VERSION === 'undefined' ? FROM_SOURCE : DICTATOR_VERSION;
export const BUILD_TIME = typeof DICTATOR_BUILD_TIME === 'undefined' ? FROM_SOURCE : DICTATOR_BUILD_TIME;
export const REVISION = typeof DICTATOR_REVISION === 'undefined' ? FROM_SOURCE : DICTATOR_REVISION;

export const VERSION_LINE = `dictator ${VERSION} (built ${BUILD_TIME}, revision ${REVISION})`;
