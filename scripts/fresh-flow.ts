import { createContext, Script } from 'node:vm';

/** The part of a node's editor definition that decides what the editor saves. */
export interface Registration {
  category: string;
  icon?: string;
  outputs?: number;
  defaults?: Record<string, { value: unknown; type?: string }>;
}

/** Runs the scripts of the nodes' editor pages against a stand-in editor and returns what they register, by type. */
export function registrations(pages: string[]): Map<string, Registration> {
  const found = new Map<string, Registration>();
  const register = (type: string, definition: Registration) => found.set(type, definition);
  const RED = new Proxy({ nodes: { registerType: register } } as Record<string, unknown>, {
    get: (target, name: string) => target[name] ?? anything(),
  });
  const context = createContext({ RED, $: anything(), jQuery: anything(), window: anything(), document: anything(), console });
  for (const page of pages) {
    for (const [, code = ''] of page.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g))
      new Script(code).runInContext(context);
  }
  return found;
}

/** A flow with one node of each type, as the editor saves it after a drag and a deploy; config nodes are linked. */
export function freshFlow(types: Map<string, Registration>): object[] {
  const tab = { id: 'tab', type: 'tab', label: 'Each node once' };
  const nodes = [...types].map(([type, { category, outputs = 0, defaults = {} }], index) => {
    const saved = Object.entries(defaults).map(([name, { value, type: linked }]) => [
      name,
      linked && types.has(linked) ? idOf(linked) : value,
    ]);
    const place = category === 'config' ? {} : { z: tab.id, x: 200, y: 80 * (index + 1), wires: Array.from({ length: outputs }, () => []) };
    return { id: idOf(type), type, ...Object.fromEntries(saved), ...place };
  });
  return [tab, ...nodes];
}

/** There is one node of each type. An id equal to the type would look like a reference of the node to itself. */
function idOf(type: string): string {
  return `the-${type}`;
}

/** Stands for any part of the editor that a page touches while it loads: callable, and endless in every direction. */
function anything(): unknown {
  return new Proxy(() => undefined, {
    get: (_target, name) => (name === Symbol.toPrimitive ? () => '' : anything()),
    apply: () => anything(),
  });
}
