/** Verifying logs in to two servers, identifying tries several protocols: longer than both take. Milliseconds. */
const TIMEOUT = 120_000;

/** What the runtime says about a failure, with texts from its locale. */
export interface ShownError {
  code?: string;
  message: string;
  advice?: string;
  /** The device's or server's own words. */
  deviceSays?: string;
  link?: string;
  /** The credential is frozen after a refused login: only an explicit retry asks the device again. */
  frozen?: boolean;
}

/** Asks one of the package's admin endpoints. The URL is relative because the editor may live under any path (ingress). Rejects when it cannot be reached. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const answer = await $.ajax({
    url: `camera-email/${path}`,
    method: 'POST',
    contentType: 'application/json',
    data: JSON.stringify(body),
    dataType: 'json',
    timeout: TIMEOUT,
  });
  return answer as T;
}

export async function get<T>(path: string): Promise<T> {
  return (await $.ajax({ url: `camera-email/${path}`, method: 'GET', dataType: 'json', timeout: TIMEOUT })) as T;
}

/** Runs `work` while the button is disabled and spins. */
export async function whileBusy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  const icon = button.querySelector('i');
  const idle = icon?.className ?? '';
  button.disabled = true;
  if (icon) icon.className = 'fa fa-spinner fa-spin';
  try {
    await work();
  } finally {
    button.disabled = false;
    if (icon) icon.className = idle;
  }
}
