import { cancelled } from '../../src/core/deadline.ts';
import { asCameraEmailError, CameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { configureFleet, type FleetCamera, type FleetOrder } from '../../src/fleet/configure-fleet.ts';
import { migrate, validators } from '../configure-camera-email/config.ts';
import { accountOfDialog, dialogRequest, servePost } from './admin.ts';
import { cameraTarget } from './cameras.ts';
import { publicError } from './errors.ts';
import { fleetServices, relayOf } from './fleet.ts';
import { beginWatchedJob, lookAtJob } from './live-jobs.ts';
import type { NodeRed } from './node-red.ts';
import { problems } from './properties.ts';
import { publicOutcome } from './results.ts';

/** The Preview button: starts a plan of the dialog's settings, whose results the dialog then asks for. Nothing is written. */
export function servePlan(RED: NodeRed): void {
  servePost(RED, 'plan', (body) => {
    const order = orderOf(RED, body);
    const controller = new AbortController();
    const { id, job } = beginWatchedJob('plan', order.cameras.length, () => controller.abort(cancelled()));
    void configureFleet(order, fleetServices(RED), (outcome) => job.add(publicOutcome(RED, outcome)), controller.signal).then(
      () => job.end(),
      (error) => job.end(publicError(RED, error)),
    );
    return { ok: true, job: id };
  });
  RED.httpAdmin.get('/camera-email/jobs/:id', RED.auth.needsPermission('camera-email.read'), ({ params, query }, response) => {
    response.json(lookAtJob(params.id ?? '', String(query.run ?? ''), Math.max(0, Number(query.from) || 0)));
  });
}

function orderOf(RED: NodeRed, body: unknown): FleetOrder {
  const { config: own, account, cameras } = (body ?? {}) as Record<string, unknown>;
  const { config } = dialogRequest(RED, { config: own });
  const [problem] = problems(validators, config);
  if (problem !== undefined) throw badInput(problem.field);
  if (!Array.isArray(cameras) || cameras.length === 0) throw badInput('chosenCameras');
  const wishes = migrate(config);
  return {
    node: '',
    action: 'plan',
    account: accountOfDialog(RED, dialogRequest(RED, account)),
    cameras: cameras.map((camera) => cameraOf(RED, camera)),
    wishes,
    arrivalMs: LIMITS.mail.arrivalDefaultMs,
    test: 'none',
    rollback: false,
    rotate: false,
    relay: relayOf(RED, wishes.relay),
    canary: false,
    concurrency: wishes.concurrency,
  };
}

/** A camera that cannot be read has its place among the results, with the reason. */
function cameraOf(RED: NodeRed, given: unknown): FleetCamera {
  const { config } = (given ?? {}) as { config?: Record<string, unknown> };
  const name = String(config?.name || config?.host || '?');
  try {
    const request = dialogRequest(RED, given);
    return { name, target: cameraTarget(request.config, request.credentials, request.id) };
  } catch (error) {
    return { name, error: asCameraEmailError(error) };
  }
}

function badInput(field: string): CameraEmailError {
  return new CameraEmailError('bad-input', `${field} is missing or wrong`, { params: { field } });
}
