/**
 * A static look for races in workgroup memory, which a software adapter may not show: two accesses to one array, of which one writes,
 * by different invocations and without a barrier between them. It walks a kernel's text as the compiler gets it, loops twice, both
 * sides of an `if` one after the other, but not `if (i > 0u)` in the first turn of the loop over i, and knows the WGSL that this project writes. Whether two writes meet it cannot tell.
 */

/** What happened to an array since the last barrier: by an invocation in its own place (`[local]`), or anywhere. */
interface Since {
  ownRead?: string;
  ownWrite?: string;
  anyRead?: string;
  anyWrite?: string;
}

interface Access {
  readonly array: string;
  readonly own: boolean;
  readonly writes: boolean;
}

/** The accesses that are not separated from an earlier one, a line each; empty if all are. */
export function unseparated(code: string, entry: string): string[] {
  const text = code.replace(/\/\/[^\n]*/g, '');
  const arrays = [...text.matchAll(/var<workgroup>\s*(\w+)/g)].map(([, name]) => name!);
  const bodies = new Map([...text.matchAll(/\bfn\s+(\w+)\s*\(/g)].map((match): [string, string] => {
    const open = text.indexOf('{', closing(text, match.index + match[0].length - 1));
    return [match[1]!, text.slice(open + 1, closing(text, open))];
  }));
  const found = new Set<string>();
  const since = new Map<string, Since>();

  const accessesOf = (statement: string): Access[] => {
    const direct = [...statement.matchAll(/(&?)\b(\w+)\b(?=(\[|,))/g)].filter(([, , name]) => arrays.includes(name!)).flatMap((match): Access[] => {
      const [, pointer, name] = match as unknown as [string, string, string];
      if (pointer) return [{ array: name, own: false, writes: statement.includes('subgroupMatrixStore') }];
      const open = match.index + match[0].length;
      const end = closing(statement, open);
      const own = /^(local|0u?)$/.test(statement.slice(open + 1, end).trim());
      const [, operator] = /^\s*(\+?=)(?!=)/.exec(statement.slice(end + 1)) ?? [];
      const read = { array: name, own, writes: false };
      if (operator === undefined) return [read];
      return operator === '+=' ? [read, { ...read, writes: true }] : [{ ...read, writes: true }];
    });
    const called = [...statement.matchAll(/\b(\w+)\s*\(/g)].flatMap(([, name]) =>
      bodies.has(name!) && name !== entry ? accessesOf(bodies.get(name!)!) : []);
    return [...direct, ...called];
  };

  const simple = (statement: string): void => {
    if (/\bworkgroupBarrier\s*\(/.test(statement)) return since.clear();
    const shown = statement.trim().replace(/\s+/g, ' ');
    const accesses = accessesOf(statement);
    for (const { array, own, writes } of accesses) {
      const { anyWrite, ownWrite, anyRead, ownRead } = since.get(array) ?? {};
      const before = writes ? anyRead ?? (own ? undefined : ownRead) : anyWrite ?? (own ? undefined : ownWrite);
      if (before !== undefined) found.add(`${array}: '${before}', then '${shown}'`);
    }
    for (const { array, own, writes } of accesses) {
      since.set(array, { ...since.get(array), [`${own ? 'own' : 'any'}${writes ? 'Write' : 'Read'}`]: shown });
    }
  };

  const firstTurnOf = new Set<string>();
  const walk = (body: string): void => {
    for (let at = 0; at < body.length;) {
      const rest = body.slice(at);
      const head = /^\s*(for|while|if|switch)\s*\(/.exec(rest);
      const block = /^\s*(else\b(?!\s*if)|loop|case\s+\w+:|default\s*:)?\s*\{/.exec(rest);
      if (head) {
        const isIf = head[1] === 'if' || head[1] === 'switch';
        const end = closing(body, at + head[0].length - 1);
        const open = body.indexOf('{', end);
        const inner = body.slice(open + 1, closing(body, open));
        const condition = body.slice(at + head[0].length, end);
        const [, variable = ''] = /^\s*var\s+(\w+)\s*=\s*0u?\s*;/.exec(condition) ?? [];
        const [, later = ''] = /^\s*(\w+)\s*>\s*0u?\s*$/.exec(condition) ?? [];
        for (let turn = 0; turn < (isIf ? 1 : 2); turn++) {
          if (turn === 0 && variable) firstTurnOf.add(variable);
          else firstTurnOf.delete(variable);
          simple(condition);
          if (!(isIf && firstTurnOf.has(later))) walk(inner);
        }
        at = closing(body, open) + 1;
      } else if (block) {
        const open = at + block[0].length - 1;
        walk(body.slice(open + 1, closing(body, open)));
        at = closing(body, open) + 1;
      } else if (/^\s*else\b/.test(rest)) {
        at += rest.indexOf('else') + 'else'.length;
      } else {
        const end = rest.indexOf(';');
        if (end < 0) return simple(rest);
        simple(rest.slice(0, end));
        at += end + 1;
      }
    }
  };
  walk(bodies.get(entry)!);
  return [...found];
}

/** Where the bracket at `open` is closed. */
function closing(text: string, open: number): number {
  const pair = { '(': ')', '{': '}', '[': ']' }[text[open]!]!;
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === text[open]) depth++;
    else if (text[at] === pair && --depth === 0) return at;
  }
  throw new Error(`a '${text[open]}' is not closed`);
}
