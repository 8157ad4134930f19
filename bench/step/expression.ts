/** Constant expressions of WGSL, as this project's shaders use them for sizes: whole numbers, + − * / %, min and max. */

const functions: Readonly<Record<string, (...values: number[]) => number>> = { min: Math.min, max: Math.max };

/** The value of an expression of unsigned integers; division rounds down. Throws on anything else. */
export function evaluate(text: string, constants: ReadonlyMap<string, number>): number {
  const words = text.match(/\d+(?:\.\d+)?[uif]?|[A-Za-z_]\w*|<<|>>|\S/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new Error(`'${text.trim()}' is no constant expression that is understood here`);
  };
  const level = (operators: Readonly<Record<string, (a: number, b: number) => number>>, next: () => number): number => {
    let value = next();
    for (let combine = operators[words[at]!]; combine; combine = operators[words[at]!]) {
      at++;
      value = combine(value, next());
    }
    return value;
  };
  const shift = (): number => level({ '<<': (a, b) => a * 2 ** b, '>>': (a, b) => Math.floor(a / 2 ** b) }, sum);
  const sum = (): number => level({ '+': (a, b) => a + b, '-': (a, b) => a - b }, product);
  const product = (): number => level({ '*': (a, b) => a * b, '/': (a, b) => Math.floor(a / b), '%': (a, b) => a % b }, single);
  const single = (): number => {
    const word = words[at++];
    if (word === undefined) return fail();
    if (/^\d+[ui]?$/.test(word)) return parseInt(word, 10);
    if (word === 'true' || word === 'false') return Number(word === 'true');
    if (word === '(') return closed(shift());
    if (words[at] === '(') {
      at++;
      const values = [shift()];
      while (words[at] === ',') {
        at++;
        if (words[at] !== ')') values.push(shift());
      }
      closed(0);
      if (word === 'u32' || word === 'i32') return values[0]!;
      return functions[word]?.(...values) ?? fail();
    }
    return constants.get(word) ?? fail();
  };
  const closed = (value: number): number => (words[at++] === ')' ? value : fail());
  const value = shift();
  return at === words.length ? value : fail();
}
