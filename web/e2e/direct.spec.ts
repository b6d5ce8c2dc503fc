import { expect, test } from '@playwright/test';
import { choose, composer, message, messages, open, register, row, say, startDirect, tick } from './people';

test('two people chat: ticks, typing, edit, reaction, reply, deletion', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  await startDirect(ada, bob);

  await test.step('a message arrives where nobody looks yet, and is counted', async () => {
    await say(ada, 'Hello Bob, **this** is `code`', 'Hello Bob, this is code');
    await expect(row(bob, ada.name)).toContainText('Hello Bob, this is code');
    await expect(row(bob, ada.name).getByRole('img', { name: '1 unread' })).toBeVisible();
    await expect(bob.page).toHaveTitle('(1) Elastic Chat');
    await expect(tick(ada, 'Hello Bob', 'delivered')).toBeVisible();
  });

  await test.step('it is read when it is opened', async () => {
    await bob.page.bringToFront();
    await open(bob, ada.name);
    await expect(message(bob, 'Hello Bob').locator('strong')).toHaveText('this');
    await expect(tick(ada, 'Hello Bob', 'read')).toBeVisible();
    await expect(bob.page).toHaveTitle('Elastic Chat');
  });

  await test.step('typing is shown and ends with the message', async () => {
    await composer(bob).pressSequentially('Hi');
    await expect(ada.page.getByText('Bob Kahn is typing')).toBeVisible();
    await say(bob, 'Hi Ada');
    await expect(message(ada, 'Hi Ada')).toBeVisible();
    await expect(ada.page.getByText('Bob Kahn is typing')).toBeHidden();
  });

  await test.step('an edit shows on both sides', async () => {
    await choose(ada, 'Hello Bob', 'Edit');
    await expect(composer(ada)).toHaveValue('Hello Bob, **this** is `code`');
    await composer(ada).fill('Hello Bob, edited');
    await composer(ada).press('Enter');
    await expect(message(bob, 'Hello Bob, edited')).toContainText('edited');
    await expect(messages(bob, 'Hello Bob')).toHaveCount(1);
  });

  await test.step('a reaction counts and can be taken back', async () => {
    await message(bob, 'Hello Bob, edited').hover();
    await message(bob, 'Hello Bob, edited').getByRole('button', { name: 'React', exact: true }).click();
    await bob.page.getByRole('button', { name: 'React with 🎉' }).click();
    const count = (n: string) => message(ada, 'Hello Bob, edited').getByRole('button', { name: `🎉, ${n}` });
    await count('1 reaction').click();
    await expect(message(bob, 'Hello Bob, edited').getByRole('button', { name: '🎉, 2 reactions' })).toBeVisible();
    await count('2 reactions').click();
    await expect(message(bob, 'Hello Bob, edited').getByRole('button', { name: '🎉, 1 reaction' })).toBeVisible();
  });

  await test.step('a reply quotes and leads to its message', async () => {
    await choose(bob, 'Hello Bob, edited', 'Reply');
    await say(bob, 'Replying now');
    const quote = message(ada, 'Replying now').getByRole('button', { name: /Hello Bob, edited/ });
    await expect(quote).toBeVisible();
    await quote.click();
    await expect(message(ada, 'Hello Bob, edited')).toBeInViewport();
  });

  await test.step('a deleted message leaves a trace without its text', async () => {
    await choose(ada, 'Hello Bob, edited', 'Delete');
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(message(bob, 'This message was deleted')).toBeVisible();
    await expect(bob.page.getByText('Hello Bob, edited')).toHaveCount(0);
  });

  expect(ada.complaints).toEqual([]);
  expect(bob.complaints).toEqual([]);
});
