// Settles which code a person with a second factor types: RFC 6238 with SHA-1, 6 digits, 30 seconds.
import crypto from 'k6/crypto';

const STEP_S = 30;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The code of `secret` (base32) at `now` (milliseconds since 1970). */
export function totp(secret: string, now: number): string {
  const hmac = crypto.createHMAC('sha1', decode(secret));
  hmac.update(counter(Math.floor(now / 1000 / STEP_S)));
  const digest = new Uint8Array(hmac.digest('binary'));
  const offset = (digest[19] ?? 0) & 0x0f;
  const [a = 0, b = 0, c = 0, d = 0] = digest.slice(offset, offset + 4);
  const code = (((a & 0x7f) << 24) | (b << 16) | (c << 8) | d) % 1_000_000;
  return code.toString().padStart(6, '0');
}

/** Seconds until the next code, plus a little so that the server's clock is past it too. */
export function secondsToNextCode(now: number): number {
  return STEP_S - ((now / 1000) % STEP_S) + 0.5;
}

function counter(step: number): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  const view = new DataView(buffer);
  view.setUint32(0, Math.floor(step / 2 ** 32));
  view.setUint32(4, step % 2 ** 32);
  return buffer;
}

function decode(base32: string): ArrayBuffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of base32) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) throw new Error('a TOTP secret is not base32');
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return new Uint8Array(bytes).buffer;
}
