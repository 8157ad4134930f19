/** Every file of `shaders/` by its stem: `npm run build` writes this module. */
declare module '#shaders' {
  export const shaders: Readonly<Record<string, string>>;
}
