import { expect, type Page, test } from '@playwright/test';
import { message, messages, open, register, row, say, startDirect, tick } from './people';

/** Says many things at once, by the call that scripts use. */
async function sayMany(page: Page, count: number): Promise<void> {
  await page.evaluate(async (count) => {
    const json = (response: Response) => response.json();
    const { access_token } = await fetch('/v1/auth/refresh', { method: 'POST' }).then(json);
    const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
    const { items } = await fetch('/v1/conversations', { headers }).then(json);
    for (let n = 1; n <= count; n++) {
      const body = { text: `line ${n} ${'and more words '.repeat(n % 9)}` };
      const client_msg_id = crypto.randomUUID();
      await fetch(`/v1/conversations/${items[0].id}/messages`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ client_msg_id, body }),
      });
    }
  }, count);
}

test('a long conversation opens at the first unread message and scrolls both ways without a jump', async ({
  browser,
}) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await startDirect(ada, bob);
  await say(ada, 'the very first');
  await open(bob, ada.name);
  await expect(message(bob, 'the very first')).toBeVisible();
  await bob.page.goto('/settings');
  // A page of her own: this one's token is replaced by what the script does.
  await sayMany(ada.page, 260);

  await test.step('the count stops at 99', async () => {
    await expect(row(bob, ada.name).getByRole('img', { name: '99+ unread' })).toBeVisible();
  });
  await test.step('it opens at the divider, with a way to the end', async () => {
    await open(bob, ada.name);
    await expect(bob.page.getByText('New messages', { exact: true })).toBeInViewport();
    await expect(message(bob, 'line 1 ')).toBeInViewport();
    await expect(bob.page.getByRole('button', { name: /new messages/ })).toBeVisible();
    expect(await messages(bob, 'line').count()).toBeLessThan(80);
  });
  await test.step('reading on loads on, to the end', async () => {
    const log = bob.page.getByRole('log');
    await expect
      .poll(
        async () => {
          await log.hover();
          await bob.page.mouse.wheel(0, 4000);
          return message(bob, 'line 260').isVisible();
        },
        { timeout: 40_000 },
      )
      .toBe(true);
    await expect(row(bob, ada.name).getByRole('img', { name: /unread/ })).toHaveCount(0);
  });
  await test.step('older messages come without moving what is read', async () => {
    // The server knows how far he has read.
    await expect(tick(ada, 'line 260', 'read')).toBeVisible();
    await bob.page.reload();
    await expect(message(bob, 'line 260')).toBeInViewport();
    const log = bob.page.getByRole('log');
    // The page of older messages waits until the place of what is read is known.
    let letThrough = () => {};
    const held = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    await bob.page.route(/messages\?before=/, async (route) => {
      await held;
      await route.continue();
    });
    const asked = bob.page.waitForRequest(/messages\?before=/);
    await log.hover();
    await bob.page.mouse.wheel(0, -2000);
    await asked;
    const middle = await log.evaluate((element) => {
      const articles = [...element.querySelectorAll('article')];
      return articles.find((one) => one.getBoundingClientRect().top > 300)?.dataset.seq;
    });
    const anchor = log.locator(`article[data-seq="${middle}"]`);
    const before = (await anchor.boundingBox())?.y ?? 0;
    const height = await log.evaluate((element) => element.scrollHeight);
    letThrough();
    await expect.poll(() => log.evaluate((element) => element.scrollHeight)).toBeGreaterThan(height + 1000);
    expect(Math.abs(((await anchor.boundingBox())?.y ?? 0) - before)).toBeLessThanOrEqual(2);
    await expect
      .poll(
        async () => {
          await bob.page.mouse.wheel(0, -6000);
          return message(bob, 'the very first').isVisible();
        },
        { timeout: 40_000 },
      )
      .toBe(true);
  });
  await test.step('the button leads to the newest message', async () => {
    await bob.page.getByRole('button', { name: 'Go to the newest message' }).click();
    await expect(message(bob, 'line 260')).toBeInViewport();
  });
  expect(bob.complaints).toEqual([]);
});
