import type { AepProvider } from '../aep-provider.ts';
import { unwrapped, type Values } from '../aep-values.ts';

const urn =
  'urn:pulumi:dev::activation-hub::activation-hub:infra:AepDestination$aep:index:Destination::aep-destination';

/**
 * What Pulumi's engine does with one resource of a provider, in the order in which it does it; its
 * state can be looked at.
 */
export class SmallEngine {
  state: { readonly id: string; readonly outputs: Values } | undefined;
  readonly #provider: AepProvider;

  constructor(provider: AepProvider) {
    this.#provider = provider;
  }

  /** `pulumi up`: what was done. Rejects with what the provider refuses or fails with. */
  async up(inputs: Values): Promise<'created' | 'updated' | 'replaced' | 'unchanged'> {
    const provider = this.#provider;
    const olds = this.state;
    // Pulumi's engine has no undefined values.
    const news = JSON.parse(JSON.stringify(inputs)) as Values;
    const { failures = [] } = await provider.check(urn, olds?.outputs ?? {}, news);
    if (failures.length > 0)
      throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join('\n'));
    if (olds === undefined) {
      await this.#create(news);
      return 'created';
    }
    const { changes, replaces = [] } = await provider.diff(olds.id, urn, olds.outputs, news);
    if (changes !== true) return 'unchanged';
    if (replaces.length > 0) {
      await this.#create(news);
      await provider.delete(olds.id, urn, olds.outputs);
      return 'replaced';
    }
    const updated = await provider.update(olds.id, urn, olds.outputs, news);
    this.state = { id: olds.id, outputs: updated.outs as Values };
    return 'updated';
  }

  /** `pulumi refresh`: whether a following `up` with the same inputs would change something. */
  async refresh(inputs: Values): Promise<{ drift: readonly string[]; isGone: boolean; changes: boolean }> {
    const { id, outputs } = this.#known();
    const found = await this.#provider.read(id, urn, outputs);
    if (found.id === '') {
      this.state = undefined;
      return { drift: [], isGone: true, changes: true };
    }
    this.state = { id, outputs: found.props as Values };
    const { changes } = await this.#provider.diff(id, urn, this.state.outputs, inputs);
    return { drift: this.outputs().drift as string[], isGone: false, changes: changes === true };
  }

  async destroy(): Promise<void> {
    const { id, outputs } = this.#known();
    await this.#provider.delete(id, urn, outputs);
    this.state = undefined;
  }

  /** The outputs in plain text. */
  outputs(): Values {
    return unwrapped(this.#known().outputs);
  }

  async #create(news: Values): Promise<void> {
    try {
      const created = await this.#provider.create(urn, news);
      this.state = { id: created.id, outputs: created.outs as Values };
    } catch (error) {
      // What failed after it was begun is kept, as the engine does on ErrorResourceInitFailed.
      const { id, properties } = error as { id?: string; properties?: Values };
      if (id !== undefined) this.state = { id, outputs: properties ?? {} };
      throw error;
    }
  }

  #known() {
    if (this.state === undefined) throw new Error('Failed to find the resource: it is not in the state.');
    return this.state;
  }
}
