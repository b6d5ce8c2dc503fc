import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256, sha256Hex } from './sha256';

it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000])('agrees with another implementation on %i bytes', (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 131) % 251);
  expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
});

it('digests a part of a larger buffer', () => {
  const large = Uint8Array.from({ length: 200 }, (_, index) => index);
  const part = large.subarray(7, 150);
  expect(Buffer.from(sha256(part)).toString('hex')).toBe(createHash('sha256').update(part).digest('hex'));
});

it('writes hexadecimal digits', async () => {
  const blob = { arrayBuffer: async () => new TextEncoder().encode('abc').buffer } as Blob;
  expect(await sha256Hex(blob)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
