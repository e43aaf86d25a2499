import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

export interface KnownNode {
  id: string;
  type: string;
  kind: 'config' | 'flow';
}

/** The part of Node-RED's editor that the tests ask; everything a user can do is done with mouse and keyboard. */
interface EditorWindow {
  RED: {
    nodes: {
      node(id: string): object | null | undefined;
      dirty(): boolean;
      eachNode(visit: (node: KnownNode) => void): void;
      eachConfig(visit: (node: KnownNode) => void): void;
    };
    editor: {
      edit(node: object): void;
      editConfig(property: string, type: string, id: string): void;
      getEditStack(): unknown[];
    };
  };
  document: { querySelectorAll(selector: string): ArrayLike<unknown> };
  innerWidth: number;
}

const PACKAGE = 'node-red-contrib-camera-email';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PATIENCE_MS = 20_000;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/** One window with Node-RED's editor in it. */
export class Editor {
  /** What the browser's console and network had to complain about. */
  readonly problems: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
  ) {
    page.on('console', (message) => message.type() === 'error' && this.problems.push(`${message.text()} ${message.location().url}`));
    page.on('pageerror', (error) => this.problems.push(String(error)));
  }

  /** Resolves when the package's nodes are in the palette. `locale`: the browser's language, which the editor takes for its own. */
  static async open(browser: Browser, url: string, locale = 'en-US'): Promise<Editor> {
    const context = await browser.newContext({ locale, viewport: { width: 1300, height: 950 }, reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE_MS);
    // Node-RED 5 then follows the system's colors; 4.1 knows only one set of them.
    await context.addInitScript("localStorage.setItem('view-dark-theme', 'auto')");
    const page = await context.newPage();
    const editor = new Editor(page, context);
    await page.goto(url);
    await page.locator('.red-ui-palette-node[data-palette-type="test-email"]').waitFor();
    await page.locator('#red-ui-main-container').waitFor();
    return editor;
  }

  /** Changes the system's colors. */
  show(colors: 'light' | 'dark'): Promise<void> {
    return this.page.emulateMedia({ colorScheme: colors });
  }

  close(): Promise<void> {
    return this.context.close();
  }

  /** Through the menu, as a user does. */
  async importExample(name: string): Promise<void> {
    const { page } = this;
    await page.locator('#red-ui-header-button-sidemenu').click();
    await page.locator('#menu-item-import').click();
    const dialog = page.locator('#red-ui-clipboard-dialog');
    await dialog.waitFor();
    await dialog.getByRole('link', { name: 'Examples' }).click();
    const folder = dialog.getByText(PACKAGE, { exact: true });
    await folder.click();
    await dialog.getByText(name, { exact: true }).click();
    await page.locator('#red-ui-clipboard-dialog-ok').click();
    await dialog.waitFor({ state: 'hidden' });
    // What was imported is told on top of the buttons of dialogs, until it is clicked.
    const told = page.locator('.red-ui-notification', { hasText: 'Imported' });
    await told.click();
    await told.waitFor({ state: 'hidden' });
  }

  async showFlow(label: string): Promise<void> {
    await this.page.locator('#red-ui-workspace-tabs .red-ui-tab-label').filter({ hasText: label }).click();
  }

  /** Opens the dialog of a node in the workspace by a double click. */
  async open(id: string): Promise<Locator> {
    await this.#node(id).dblclick();
    return this.form();
  }

  /** Opens any node's dialog without looking for it on the screen. */
  async openNode({ id, type, kind }: KnownNode): Promise<Locator> {
    await this.page.evaluate(
      ([id, type, kind]) => {
        const { RED } = globalThis as unknown as EditorWindow;
        if (kind === 'config') RED.editor.editConfig('', type, id);
        else RED.editor.edit(RED.nodes.node(id) ?? {});
      },
      [id, type, kind] as const,
    );
    return this.form();
  }

  /** All nodes of the editor, of every flow. */
  nodes(): Promise<KnownNode[]> {
    return this.page.evaluate(() => {
      const { nodes } = (globalThis as unknown as EditorWindow).RED;
      const all: KnownNode[] = [];
      nodes.eachNode(({ id, type }) => all.push({ id, type, kind: 'flow' }));
      nodes.eachConfig(({ id, type }) => all.push({ id, type, kind: 'config' }));
      return all;
    });
  }

  /** Drags a node from the palette into the open flow; resolves with its id. */
  async drag(type: string, x: number, y: number): Promise<string> {
    const before = new Set((await this.nodes()).map(({ id }) => id));
    await this.page
      .locator(`.red-ui-palette-node[data-palette-type="${type}"]`)
      .dragTo(this.page.locator('#red-ui-workspace-chart'), { targetPosition: { x, y }, steps: 5 });
    const added = (await this.nodes()).find(({ id }) => !before.has(id));
    if (added?.type !== type) throw new Error(`${type} was not dragged into the flow`);
    return added.id;
  }

  async addFlow(): Promise<void> {
    await this.page.locator('#red-ui-workspace-tabs-shade, .red-ui-tab-button .fa-plus').first().click();
  }

  /** The form of the package's own that is on top, when its dialog has moved into place. */
  async form(): Promise<Locator> {
    const tray = this.page.locator('.red-ui-tray').last();
    const form = tray.locator('.camera-email').first();
    await form.waitFor();
    await this.page.waitForFunction((name) => {
      const trays = (globalThis as unknown as EditorWindow).document.querySelectorAll(name);
      const { right } = (trays[trays.length - 1] as { getBoundingClientRect(): { right: number } }).getBoundingClientRect();
      return right <= (globalThis as unknown as EditorWindow).innerWidth + 1;
    }, '.red-ui-tray');
    return form;
  }

  /** Closes the dialog on top with its button: Done, Update, Add or Cancel. */
  async finish(button: 'ok' | 'cancel' = 'ok'): Promise<void> {
    const stack = () => (globalThis as unknown as EditorWindow).RED.editor.getEditStack().length;
    const before = await this.page.evaluate(stack);
    await this.page.locator('.red-ui-tray').last().locator(`#node-dialog-${button}, #node-config-dialog-${button}`).click();
    // Only the dialog on top is in the page; the one below comes back with its closing.
    await this.page.waitForFunction((count) => (globalThis as unknown as EditorWindow).RED.editor.getEditStack().length < count, before);
    if (before > 1) await this.form();
    else await this.page.locator('.red-ui-tray').waitFor({ state: 'detached' });
  }

  async deploy(): Promise<void> {
    await this.page.locator('#red-ui-header-button-deploy').click();
    await this.page.waitForFunction(() => !(globalThis as unknown as EditorWindow).RED.nodes.dirty());
  }

  /** Presses the button of an inject node. */
  async press(id: string): Promise<void> {
    await this.#node(id).locator('.red-ui-flow-node-button-button').click();
  }

  async undo(): Promise<void> {
    await this.page.locator('#red-ui-workspace-chart').focus();
    await this.page.keyboard.press('Control+z');
  }

  async showDebug(): Promise<void> {
    await this.page.keyboard.press('Control+g');
    await this.page.keyboard.press('d');
    await this.page.locator('.red-ui-debug-content-list').waitFor();
  }

  /** The messages of one debug node in the sidebar. */
  debugMessages(name: string): Locator {
    return this.page.locator('.red-ui-debug-msg').filter({ has: this.page.locator('.red-ui-debug-msg-name', { hasText: name }) });
  }

  /** The text under a node. */
  status(id: string): Locator {
    return this.#node(id).locator('.red-ui-flow-node-status-label');
  }

  #node(id: string): Locator {
    return this.page.locator(`[id="${id}"].red-ui-flow-node-group, g[id="${id}"]`).first();
  }
}
