/** Elements, in as few words as the page needs. */
import { EngineError } from '../engine/client.ts';

type Child = Node | string;
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element: attributes as in HTML, `true` for those without a value. Text is text, whatever is in it. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A button that is disabled while what it does is going on, and after it if `isOff` says so; `say` is told what went wrong.
 */
export function button(label: string, action: () => unknown, { main = false, say, isOff = () => false }: { main?: boolean; say: Saying; isOff?: () => boolean }): HTMLButtonElement {
  const element = el('button', { type: 'button', class: main ? 'main' : undefined }, label);
  element.onclick = async () => {
    element.disabled = true;
    await say.during(action);
    element.disabled = isOff();
  };
  return element;
}

/** A number's field with its label; what is not between `min` and `max` is told as browsers do it. */
export function numberField(label: string, { value, min, max, step = 1 }: { value: number; min: number; max?: number; step?: number | 'any' }): {
  label: HTMLLabelElement; input: HTMLInputElement; read: () => number;
} {
  const input = el('input', { type: 'number', value, min, max, step, inputmode: step === 1 ? 'numeric' : 'decimal' });
  const read = (): number => {
    if (!input.reportValidity() || Number.isNaN(input.valueAsNumber)) throw new EngineError(`${label}: ${input.validationMessage || 'a number is needed'}`, true);
    return input.valueAsNumber;
  };
  return { label: el('label', {}, label, input), input, read };
}

/** The same for a number that may be left out; `read` gives undefined then. */
export function optionalNumberField(label: string, { value, ...range }: { value?: number; min: number; max?: number; step?: number | 'any' }): {
  label: HTMLLabelElement; input: HTMLInputElement; read: () => number | undefined;
} {
  const field = numberField(label, { value: value ?? NaN, step: 'any', ...range });
  if (value === undefined) field.input.removeAttribute('value');
  field.input.placeholder = 'none';
  return { ...field, read: () => (field.input.validity.valid && field.input.value === '' ? undefined : field.read()) };
}

export function textField(label: string): { label: HTMLLabelElement; input: HTMLInputElement } {
  const input = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  return { label: el('label', {}, label, input), input };
}

export function selectField(label: string, options: Readonly<Record<string, string>>): { label: HTMLLabelElement; select: HTMLSelectElement } {
  const select = el('select', {}, ...Object.entries(options).map(([value, text]) => el('option', { value }, text)));
  return { label: el('label', {}, label, select), select };
}

/** The library's messages name its options, `cropSamples`; on the page these are fields. */
const fieldOf: Readonly<Record<string, string>> = {
  cropSamples: 'Samples of a crop', batchSize: 'Clips per update', learningRate: 'Learning rate', memoryLimit: 'Memory limit', steps: 'Steps',
  seed: 'Seed', strength: 'Strength', sampler: 'Sampler',
};

const spelled = (message: string): string => message.replace(/`([a-z]\w*)`/g, (_, name: string) => (fieldOf[name] ? `“${fieldOf[name]}”` : name));

/** A line that screen readers hear of. */
export class Saying {
  readonly element = el('p', { class: 'said', role: 'status' });

  say(text: string): void {
    this.element.className = 'said';
    this.element.textContent = text;
  }

  fail(error: unknown): void {
    this.element.className = 'said bad';
    const message = error instanceof Error ? error.message : String(error);
    this.element.textContent = error instanceof EngineError && !error.isForUser ? `This should not happen, and is a bug: ${message}` : spelled(message);
  }

  /** Runs `action`; what it throws is said. */
  async during(action: () => unknown): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** Figures under their names; `set` changes one. */
export class Facts {
  readonly element = el('dl', { class: 'facts' });
  readonly #values = new Map<string, HTMLElement>();

  constructor(names: readonly string[]) {
    for (const name of names) {
      const value = el('dd', {}, '–');
      this.#values.set(name, value);
      this.element.append(el('div', {}, el('dt', {}, name), value));
    }
  }

  set(name: string, text: string): void {
    this.#values.get(name)!.textContent = text;
  }
}

/** Hands a file to the user. */
export function download(name: string, bytes: BlobPart, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = el('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}

export const section = (id: string): HTMLElement => document.getElementById(id)!;

/** A label that opens the system's dialog for files. */
export function filePicker(label: string, { accept, many = false, folder = false }: { accept?: string; many?: boolean; folder?: boolean }, take: (files: File[]) => unknown): HTMLLabelElement {
  const input = el('input', { type: 'file', accept, multiple: many, webkitdirectory: folder });
  input.onchange = () => {
    const files = [...(input.files ?? [])];
    input.value = ''; // the same file may be chosen again
    if (files.length > 0) void take(files);
  };
  return el('label', { class: 'file' }, label, input);
}
