import { expect, test } from '@playwright/test';
import { open, register, row, say, startDirect } from './people';

test('sessions: silent return, unread counts on every device, revoking, signing out', async ({ browser }) => {
  const ada = await register(browser, 'Ada Lovelace');
  const bob = await register(browser, 'Bob Kahn');

  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const second = await phone.newPage();
  await test.step('a second device signs in', async () => {
    await second.goto('/settings');
    await second.getByLabel('Username').fill(ada.username.toUpperCase());
    await second.getByLabel('Password', { exact: true }).fill(ada.password);
    await second.getByRole('button', { name: 'Sign in' }).click();
    await expect(second.getByRole('heading', { name: 'Settings' })).toBeVisible();
    await second.getByRole('link', { name: 'Back' }).click();
  });
  const onPhone = { ...ada, context: phone, page: second };

  await test.step('what one device reads is read on the other', async () => {
    await startDirect(bob, ada);
    await say(bob, 'hello on all devices');
    for (const device of [ada, onPhone]) {
      await expect(row(device, bob.name).getByRole('img', { name: '1 unread' })).toBeVisible();
    }
    await second.bringToFront();
    await open(onPhone, bob.name);
    await expect(row(ada, bob.name).getByRole('img', { name: /unread/ })).toHaveCount(0);
    await second.getByRole('link', { name: 'Back' }).click();
    await expect(row(onPhone, bob.name)).toBeVisible();
  });

  await test.step('a reload is silent, also in several tabs at once', async () => {
    const tabs = await Promise.all([ada.context.newPage(), ada.context.newPage()]);
    await Promise.all([ada.page.reload(), ...tabs.map((tab) => tab.goto('/'))]);
    for (const tab of [ada.page, ...tabs]) {
      await expect(tab.getByRole('navigation').getByRole('link').filter({ hasText: bob.name })).toBeVisible();
    }
    for (const tab of tabs) await tab.close();
  });

  await test.step('a revoked device is out at once', async () => {
    await ada.page.goto('/settings');
    await ada.page.getByRole('button', { name: /^End session on/ }).click();
    await expect(second.getByText('You have been signed out.')).toBeVisible();
  });

  await test.step('the theme lasts', async () => {
    await ada.page.getByText('Dark', { exact: true }).click();
    await ada.page.reload();
    await expect(ada.page.locator('html')).toHaveAttribute('data-theme', 'dark');
  });

  await test.step('a password is changed with the right old one only', async () => {
    await ada.page.getByLabel('Current password').fill('wrong wrong');
    await ada.page.getByLabel('New password').fill('another good one');
    await ada.page.getByRole('button', { name: 'Change password' }).click();
    await expect(ada.page.getByText('The current password is not right.')).toBeVisible();
    await ada.page.getByLabel('Current password').fill(ada.password);
    await ada.page.getByRole('button', { name: 'Change password' }).click();
    await expect(ada.page.getByText('Password changed.')).toBeVisible();
  });

  await test.step('signing out ends it', async () => {
    await ada.page.getByRole('button', { name: 'Sign out' }).click();
    await expect(ada.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
    await ada.page.goto('/');
    await expect(ada.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  });
  expect(ada.complaints).toEqual([]);
});
