import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { composer, message, open, register, startDirect } from './people';

/** One red pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('files go up and come down as they were', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await startDirect(ada, bob);
  await open(bob, ada.name);
  const picker = ada.page.getByTestId('file-picker');
  const send = ada.page.getByRole('button', { name: 'Send' });

  await test.step('a picture is shown, and large when it is pressed', async () => {
    await picker.setInputFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: png });
    await composer(ada).fill('A picture');
    await expect(send).toBeEnabled();
    await send.click();
    const picture = message(bob, 'A picture').getByRole('button', { name: 'Open image pixel.png' });
    await expect.poll(() => picture.locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1);
    await picture.click();
    await expect(bob.page.getByRole('dialog', { name: 'pixel.png' })).toBeVisible();
    await bob.page.keyboard.press('Escape');
  });

  await test.step('a file in several parts is downloaded whole', async () => {
    const bytes = randomBytes(9 * 1024 * 1024 + 17);
    await picker.setInputFiles({ name: 'large.bin', mimeType: 'application/octet-stream', buffer: bytes });
    await expect(send).toBeEnabled({ timeout: 30_000 });
    await send.click();
    const download = bob.page.waitForEvent('download');
    await bob.page.getByRole('button', { name: 'Download large.bin' }).click();
    const path = await (await download).path();
    expect(hash(await readFile(path))).toBe(hash(bytes));
  });

  await test.step('a failed upload can be tried again, or removed', async () => {
    await ada.page.route('**/v1/files', (route) => route.abort());
    await picker.setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await expect(ada.page.getByRole('button', { name: 'Try note.txt again' })).toBeVisible();
    await expect(send).toBeDisabled();
    await ada.page.unroute('**/v1/files');
    await ada.page.getByRole('button', { name: 'Try note.txt again' }).click();
    await expect(send).toBeEnabled();
    await ada.page.getByRole('button', { name: 'Remove note.txt' }).click();
    await expect(send).toBeDisabled();
  });
  expect(ada.complaints).toEqual([]);
  expect(bob.complaints).toEqual([]);
});

test('a profile picture is seen by others', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await ada.page.goto('/settings');
  await ada.page
    .getByLabel('Change photo')
    .last()
    .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: png });
  await expect(ada.page.getByRole('button', { name: 'Remove photo' })).toBeVisible();
  await ada.page.getByLabel('Status').fill('Counting');
  await ada.page.getByRole('button', { name: 'Save' }).click();
  await expect(ada.page.getByText('Saved')).toBeVisible();
  await startDirect(bob, ada);
  const face = bob.page.getByRole('main').locator('header img').first();
  await expect.poll(() => face.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(512);
  expect(bob.complaints).toEqual([]);
});
