import { expect, test } from '@playwright/test';
import { composer, createGroup, message, open, register, row, say } from './people';

test('a group: roles, rename, mention, adding, removing, leaving, deleting', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');
  const eve = await register(browser, 'Eve Moneypenny');
  await createGroup(ada, 'Engines', [bob]);
  await expect(row(bob, 'Engines')).toBeVisible();

  await test.step('mentions are offered, counted and shown', async () => {
    await composer(ada).pressSequentially('Look at this @bo');
    await ada.page.getByRole('option', { name: /Bob Kahn/ }).click();
    await composer(ada).pressSequentially('please');
    await composer(ada).press('Enter');
    await expect(row(bob, 'Engines').getByRole('img', { name: '1 mentioning you' })).toBeVisible();
    await open(bob, 'Engines');
    await expect(message(bob, 'Look at this @Bob Kahn please')).toBeVisible();
    await expect(row(bob, 'Engines').getByRole('img', { name: /mentioning/ })).toHaveCount(0);
  });

  await test.step('the owner makes an admin, who renames and adds', async () => {
    await ada.page.getByRole('button', { name: 'Details' }).click();
    await ada.page.getByRole('button', { name: 'Options for Bob Kahn' }).click();
    await ada.page.getByRole('menuitem', { name: 'Make admin' }).click();
    await expect(message(bob, 'Look at this')).toBeVisible();
    await expect(bob.page.getByRole('log').getByText('Bob Kahn is now an admin')).toBeVisible();

    await bob.page.getByRole('button', { name: 'Details' }).click();
    await bob.page.getByLabel('Group name').fill('Difference Engines');
    await bob.page.getByRole('button', { name: 'Rename group' }).click();
    await expect(ada.page.getByRole('heading', { name: 'Difference Engines', level: 2 })).toBeVisible();

    await bob.page.getByRole('button', { name: 'Add people' }).click();
    await bob.page.getByLabel('Find people').fill(eve.username);
    await bob.page.getByRole('button', { name: /Eve Moneypenny/ }).click();
    await expect(bob.page.getByRole('dialog').getByText('Added')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    await expect(row(eve, 'Difference Engines')).toBeVisible();
    await expect(ada.page.getByRole('log').getByText('Bob Kahn added Eve Moneypenny')).toBeVisible();
  });

  await test.step('a member has no such powers', async () => {
    await open(eve, 'Difference Engines');
    await eve.page.getByRole('button', { name: 'Details' }).click();
    await expect(eve.page.getByText('3 members').first()).toBeVisible();
    await expect(eve.page.getByRole('button', { name: 'Add people' })).toHaveCount(0);
    await expect(eve.page.getByRole('button', { name: 'Rename group' })).toHaveCount(0);
    await expect(eve.page.getByRole('button', { name: 'Delete group' })).toHaveCount(0);
  });

  await test.step('who is removed loses the group at once', async () => {
    await ada.page.getByRole('button', { name: 'Options for Eve Moneypenny' }).click();
    await ada.page.getByRole('menuitem', { name: 'Remove from group' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove from group' }).click();
    await expect(row(eve, 'Difference Engines')).toHaveCount(0);
    await expect(eve.page.getByText('Choose a chat to read and write')).toBeVisible();
  });

  await test.step('the last owner cannot leave, but delete', async () => {
    await ada.page.getByRole('button', { name: 'Leave group' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Leave group' }).click();
    await expect(ada.page.getByText('You are the last owner')).toBeVisible();
    await say(bob, 'Still here');
    await ada.page.getByRole('button', { name: 'Delete group' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Delete group' }).click();
    await expect(row(ada, 'Difference Engines')).toHaveCount(0);
    await expect(row(bob, 'Difference Engines')).toHaveCount(0);
  });
  for (const person of [ada, bob, eve]) expect(person.complaints).toEqual([]);
});

test('muting and pinning', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  await createGroup(ada, 'First', []);
  await createGroup(ada, 'Second', []);
  const titles = () => ada.page.getByRole('navigation').getByRole('listitem').allTextContents();
  await expect.poll(async () => (await titles())[0]).toContain('Second');
  await row(ada, 'First').hover();
  await ada.page.getByRole('button', { name: 'Options for First' }).click();
  await ada.page.getByRole('menuitem', { name: 'Pin' }).click();
  await expect.poll(async () => (await titles())[0]).toContain('First');
  await row(ada, 'First').hover();
  await ada.page.getByRole('button', { name: 'Options for First' }).click();
  await ada.page.getByRole('menuitem', { name: 'Mute' }).click();
  await expect(row(ada, 'First').getByRole('img', { name: 'Muted' })).toBeVisible();
  await ada.page.reload();
  await expect(row(ada, 'First').getByRole('img', { name: 'Muted' })).toBeVisible();
  await expect.poll(async () => (await titles())[0]).toContain('First');
});
