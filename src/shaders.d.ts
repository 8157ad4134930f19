/** Every file of `shaders/` by its stem: the package's build writes this module. */
declare module '#shaders' {
  export const shaders: Readonly<Record<string, string>>;
}
