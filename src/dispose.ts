/**
 * Gives browsers that have no `Symbol.dispose` yet one, as `using` and whoever calls it by name expect it. Imported for that alone,
 * and first: a class whose method has that name must find it. A leaf: imports nothing.
 */
for (const name of ['dispose', 'asyncDispose']) {
  if (!(name in Symbol)) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}
