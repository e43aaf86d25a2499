/** What the runtime puts the deployed password in place of. */
const STORED = '__PWRD__';

export interface DialogNode {
  id: string;
  config: Record<string, unknown>;
  credentials: Record<string, unknown>;
}

/** A config node as the workspace holds it, deployed or not; passwords that the editor does not know stay where they are. */
export function workspaceNode(id: string): DialogNode | undefined {
  const node = RED.nodes.node(id);
  if (!node) return undefined;
  const { defaults = {}, credentials = {} } = node._def as { defaults?: object; credentials?: object };
  const typed = (node.credentials ?? {}) as Record<string, unknown>;
  return {
    id,
    config: Object.fromEntries(Object.keys(defaults).map((name) => [name, node[name]])),
    credentials: Object.fromEntries(Object.keys(credentials).map((name) => [name, typed[name] ?? STORED])),
  };
}
