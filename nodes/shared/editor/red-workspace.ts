import type { EditorNode } from './red.ts';

interface Definition {
  defaults: Readonly<Record<string, { value: unknown }>>;
  credentials: Readonly<Record<string, { type: string }>>;
  label: unknown;
}

/** The part of the editor that changes the workspace. */
interface Workspace {
  nodes: {
    id(): string;
    getType(type: string): Definition;
    add(node: object): EditorNode;
    dirty(state?: boolean): boolean;
  };
  history: { push(event: { t: 'add'; nodes: string[]; dirty: boolean }): void };
  view: { redraw(updateActive: boolean): void };
  editor: { validateNode(node: object): boolean };
}

/** Adds config nodes to the workspace, in one step for undo. Each is what the editor makes of a filled-in dialog. */
export function addConfigNodes(
  type: string,
  nodes: readonly { properties: Readonly<Record<string, unknown>>; credentials: Readonly<Record<string, string>> }[],
): void {
  const { nodes: workspace, history, view, editor } = RED as unknown as Workspace;
  const definition = workspace.getType(type);
  const empty: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(definition.defaults)) empty[name] = value;
  const hidden = Object.keys(definition.credentials).filter((name) => definition.credentials[name]?.type === 'password');
  const wasDirty = workspace.dirty();
  const added = nodes.map(({ properties, credentials }) => {
    const node: Record<string, unknown> & { id: string } = {
      ...empty,
      ...properties,
      id: workspace.id(),
      type,
      z: '',
      users: [],
      changed: true,
      label: definition.label,
      // A password is deployed only if the editor knows that there is one.
      credentials: { _: {}, ...credentials, ...Object.fromEntries(hidden.map((name) => [`has_${name}`, Boolean(credentials[name])])) },
    };
    // The editor keeps its own knowledge of a type where nothing saves it.
    Object.assign(node, { _def: definition });
    workspace.add(node);
    editor.validateNode(node);
    return node.id;
  });
  history.push({ t: 'add', nodes: added, dirty: wasDirty });
  workspace.dirty(true);
  view.redraw(true);
}
