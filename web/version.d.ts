/** Of the package; the build puts it in. */
declare const PACKAGE_VERSION: string;
