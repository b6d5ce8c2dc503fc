import { expect, test } from '@playwright/test';
import { composer, message, messages, open, register, say, startDirect, tick } from './people';

test('what is written offline arrives once, in order, also after a reload', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await startDirect(ada, bob);
  await say(ada, 'before');
  await open(bob, ada.name);
  await expect(tick(ada, 'before', 'read')).toBeVisible();

  await test.step('offline: they wait, and the person is told', async () => {
    await ada.context.setOffline(true);
    await ada.page.evaluate(() => window.dispatchEvent(new Event('offline')));
    for (const text of ['one', 'two', 'three']) await say(ada, `offline ${text}`);
    await expect(tick(ada, 'offline three', 'waiting')).toBeVisible();
    await expect(ada.page.getByText('You are offline.')).toBeVisible();
    expect(await messages(bob, 'offline').count()).toBe(0);
  });

  await test.step('online: each arrives once, in order', async () => {
    await ada.context.setOffline(false);
    await expect(message(bob, 'offline three')).toBeVisible();
    const texts = await messages(bob, 'offline').allTextContents();
    expect(texts.map((text) => text.match(/offline (\w+?)(?=\d)/)?.[1])).toEqual(['one', 'two', 'three']);
    await expect(ada.page.getByText('You are offline.')).toBeHidden();
    await expect(tick(ada, 'offline three', 'read')).toBeVisible();
  });

  await test.step('a reload keeps what was not sent', async () => {
    // The socket cannot be reached, while pages still load.
    await ada.page.routeWebSocket('**/v1/ws', (socket) => socket.close());
    await ada.page.reload();
    await expect(composer(ada)).toBeVisible();
    await say(ada, 'kept over a reload');
    await expect(tick(ada, 'kept over a reload', 'waiting')).toBeVisible();
    await ada.page.reload();
    await expect(tick(ada, 'kept over a reload', 'waiting')).toBeVisible();
    expect(await messages(bob, 'kept over a reload').count()).toBe(0);
  });

  await test.step('and sends it once, when the server is there', async () => {
    await ada.page.unrouteAll();
    const again = await ada.context.newPage();
    await ada.page.close();
    await again.goto('/');
    await expect(message(bob, 'kept over a reload')).toBeVisible();
    await expect(messages(bob, 'kept over a reload')).toHaveCount(1);
    ada.page = again;
    await open(ada, bob.name);
    await expect(tick(ada, 'kept over a reload', 'read')).toBeVisible();
    await expect(messages(ada, 'kept over a reload')).toHaveCount(1);
  });
});

test('a message that the server refuses says why, and can be sent again or discarded', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await startDirect(ada, bob);
  await say(ada, 'hello');
  await expect(tick(ada, 'hello', 'delivered')).toBeVisible();
  let refuse = true;
  await ada.page.routeWebSocket('**/v1/ws', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((data) => {
      const frame = JSON.parse(String(data));
      if (frame.type !== 'send' || !refuse) server.send(data);
      else {
        const { client_msg_id, conversation } = frame;
        socket.send(
          JSON.stringify({
            type: 'error',
            code: 'forbidden',
            retryable: false,
            detail: '',
            client_msg_id,
            conversation,
          }),
        );
      }
    });
  });
  await ada.page.reload();
  await say(ada, 'not wanted');
  await expect(message(ada, 'not wanted').getByRole('alert')).toContainText('You are not allowed to do this.');
  await say(ada, 'wanted later');
  refuse = false;
  await message(ada, 'wanted later').getByRole('button', { name: 'Send again' }).click();
  await expect(tick(ada, 'wanted later', 'delivered')).toBeVisible();
  await message(ada, 'not wanted').getByRole('button', { name: 'Discard' }).click();
  await expect(messages(ada, 'not wanted')).toHaveCount(0);
});
