import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { loadJson, writeFileDurably } from '../../src/core/files.ts';
import { Lane } from '../../src/core/lane.ts';
import type { Origin } from '../../src/homeassistant/discovery.ts';
import { safeId, type Topics } from '../../src/homeassistant/ids.ts';
import { Entities } from '../../src/homeassistant/states.ts';

const stores = new Map<string, EntityStore>();

/** What Home Assistant was told, on disk too, so that no deploy or restart leaves entities behind. */
export class EntityStore {
  readonly entities: Promise<Entities>;
  readonly #file: string;
  readonly #saving = new Lane();
  #unsaved = false;
  #users = 0;

  private constructor(file: string, topics: Topics) {
    this.#file = file;
    this.entities = loadJson(file, systemClock.now()).then(
      (loaded) => new Entities(topics, origin(), loaded.found ? loaded.value : undefined),
    );
    this.entities.catch(() => undefined);
  }

  /** Nodes with the same topics speak of the same entities, and share them. Each calls `release` when it closes. */
  static open(directory: string, topics: Topics): EntityStore {
    const file = join(directory, 'homeassistant', `${safeId(`${topics.prefix} ${topics.base}`)}.json`);
    const store = stores.get(file) ?? new EntityStore(file, topics);
    stores.set(file, store);
    store.#users += 1;
    return store;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) stores.delete(this.#file);
  }

  /** Changes that come while one is being written share the next write. */
  async save(): Promise<void> {
    const entities = await this.entities;
    this.#unsaved = true;
    await this.#saving.run(undefined, async () => {
      if (!this.#unsaved) return;
      this.#unsaved = false;
      await writeFileDurably(this.#file, JSON.stringify(entities.stored()));
    });
  }
}

/** Who published it, for Home Assistant's log. The package's folder is one level higher for the built code. */
function origin(): Origin {
  const manifest = ['../../package.json', '../../../package.json'].map((path) => join(__dirname, path)).find((path) => existsSync(path));
  const { name, version } = JSON.parse(readFileSync(String(manifest), 'utf8')) as { name: string; version: string };
  return { name, sw: version, url: `https://flows.nodered.org/node/${name}` };
}
