// Settles what may be put under load: this machine, and any other host only when it is named twice.

const URL_SHAPE = /^https?:\/\/(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?\/?$/i;

/** The target without a slash at its end. Throws when it is not loopback and `allowed` is not exactly its host. */
export function guardedTarget(url: string, allowed: string | undefined): string {
  const host = URL_SHAPE.exec(url)?.[1]?.toLowerCase();
  if (host === undefined) {
    throw new Error(`BASE_URL must be http(s)://host[:port] without a path or credentials, not "${url}"`);
  }
  if (!isLoopback(host) && allowed !== host) {
    throw new Error(
      `refusing to load ${host}: it is not this machine. If it is yours to load, set ALLOW_TARGET=${host}`,
    );
  }
  return url.replace(/\/$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
