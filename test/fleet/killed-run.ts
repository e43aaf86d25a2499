// A process of its own for the kill test: one run over the fleet that is given as JSON.
import { configureFleet } from '../../src/fleet/configure-fleet.ts';
import { fleetOrder, fleetServices, type Setup } from './fixture.ts';

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
void configureFleet(
  fleetOrder(setup, { rotate: true, concurrency: 1 }),
  fleetServices(setup.directory),
  () => undefined,
  new AbortController().signal,
);
