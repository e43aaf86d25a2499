/** The part of Node-RED's editor that the dialogs use. Nothing else is assumed to exist. */
export interface EditorNode {
  id: string;
  type: string;
  users?: EditorNode[];
  _(key: string, params?: Record<string, string | number>): string;
  [property: string]: unknown;
}

type NodeListener = (node: EditorNode) => void;

interface Elements {
  readonly [index: number]: HTMLElement | undefined;
  readonly length: number;
  val(value: string): Elements;
  trigger(event: string): Elements;
  on(event: string, listener: () => void): Elements;
}

interface AjaxSettings {
  url: string;
  method: 'GET' | 'POST';
  contentType?: string;
  data?: string;
  dataType: 'json';
  /** Milliseconds. */
  timeout: number;
}

declare global {
  const RED: {
    nodes: {
      // biome-ignore lint/suspicious/noExplicitAny: each node type brings its own `this`.
      registerType(type: string, definition: Record<string, any> & ThisType<EditorNode>): void;
      node(id: string): EditorNode | null | undefined;
      eachConfig(visit: (node: EditorNode) => void): void;
      filterNodes(filter: { type: string }): EditorNode[];
    };
    editor: {
      editConfig(property: string, type: string, id: string, prefix: string | null, context?: EditorNode): void;
      getEditStack(): EditorNode[];
    };
    events: {
      on(event: 'nodes:add' | 'nodes:change' | 'nodes:remove', listener: NodeListener): void;
      off(event: 'nodes:add' | 'nodes:change' | 'nodes:remove', listener: NodeListener): void;
    };
  };
  const $: {
    (target: string | Element): Elements;
    /** Adds the editor's access token to relative URLs, which `fetch` would not. */
    ajax(settings: AjaxSettings): PromiseLike<unknown>;
  };
}
