import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, expect, type Page, test } from '@playwright/test';
import {
  choose,
  composer,
  createGroup,
  message,
  open,
  type Person,
  register,
  row,
  say,
  startDirect,
  tick,
} from './people';

const themes = ['light', 'dark'] as const;
const widths = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
  { width: 320, height: 640 },
];

/** In both themes no violation of WCAG 2.2 AA, at all widths nothing wider than the page; pictures if they are wanted. */
async function inspect(page: Page, name: string): Promise<void> {
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    for (const size of widths) {
      await page.setViewportSize(size);
      await page.mouse.move(0, 0);
      await expect
        .poll(
          () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
          `${name} ${size.width}`,
        )
        .toBeLessThanOrEqual(0);
      // Pictures and faces have their place before they are there; wait for them to be looked at.
      await page.evaluate(() => document.fonts.ready);
      if (size.width !== 320) {
        const { violations } = await new AxeBuilder({ page })
          .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
          // An open menu lies at the end of the page, outside of every landmark, as the ARIA patterns have it.
          .disableRules(['region'])
          .analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n  ')}`);
        expect.soft(found, `${name} ${theme} ${size.width}`).toEqual([]);
      }
      if (process.env.SCREENSHOTS) {
        await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${size.width}-${theme}.png`) });
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function populated(browser: Browser): Promise<{ mia: Person; jonas: Person; priya: Person }> {
  const mia = await register(browser, 'Mia Hartmann');
  const jonas = await register(browser, 'Jonas Weber');
  const priya = await register(browser, 'Priya Raman');
  await startDirect(priya, mia);
  await say(priya, 'Are we still on for lunch?');
  await createGroup(mia, 'Release 4.2', [jonas, priya]);
  await say(mia, 'Morning! The release branch is cut. 🎉');
  await say(mia, 'Remaining before Thursday:\n> migration notes\n> load test on staging', 'migration notes');
  await open(jonas, 'Release 4.2');
  await say(jonas, 'Load test runs tonight, see https://example.org/runs/1841', 'https://example.org/runs/1841');
  await say(jonas, '```\nchat-load --rate 500 --for 30m\n```', 'chat-load --rate 500');
  await open(priya, 'Release 4.2');
  await choose(priya, 'migration notes', 'Reply');
  await composer(priya).fill('');
  await composer(priya).pressSequentially('I take the *migration notes*. @jon');
  await priya.page.getByRole('option', { name: /Jonas/ }).click();
  await composer(priya).pressSequentially('can you review them?');
  await composer(priya).press('Enter');
  await expect(message(mia, 'can you review them?')).toBeVisible();
  await message(mia, 'can you review them?').hover();
  await message(mia, 'can you review them?').getByRole('button', { name: 'React', exact: true }).click();
  await mia.page.getByRole('button', { name: 'React with 👍' }).click();
  await say(mia, '🚀');
  await expect(tick(mia, '🚀', 'delivered').or(tick(mia, '🚀', 'read'))).toBeVisible();
  return { mia, jonas, priya };
}

test('signing in', async ({ page }) => {
  await page.goto('/login');
  await expect(page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  await inspect(page, 'login');
  await page.getByLabel('Username').fill('nobody.here');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toHaveText('The username or password is not right.');
  await page.getByRole('link', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible();
  await page.getByLabel('Username').fill('x');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.locator('[aria-invalid="true"]').first()).toBeVisible();
  await inspect(page, 'register');
});

test('an account without chats', async ({ browser }) => {
  const { page } = await register(browser, 'Noor Haddad');
  await expect(page.getByText('No chats yet')).toBeVisible();
  await inspect(page, 'empty');
  await page.getByRole('button', { name: 'New chat' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await inspect(page, 'new-chat');
});

test('chats, details and settings', async ({ browser }) => {
  test.setTimeout(180_000);
  const { mia, priya } = await populated(browser);
  const { page } = mia;
  await inspect(page, 'group');
  // Through all sizes the newest message stayed in view.
  await expect(message(mia, '🚀')).toBeInViewport();
  await expect(page.getByRole('button', { name: 'Go to the newest message' })).toBeHidden();

  await message(mia, 'can you review them?').hover();
  await message(mia, 'can you review them?').getByRole('button', { name: 'Message actions' }).click();
  await expect(page.getByRole('menu')).toBeVisible();
  await inspect(page, 'message-menu');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Details' }).click();
  await expect(page.getByText('@priya').first()).toBeVisible();
  await inspect(page, 'details');
  await page.keyboard.press('Escape');

  await page.goto('/');
  await expect(row(mia, 'Release 4.2')).toBeVisible();
  await inspect(page, 'list');

  await open(mia, priya.name);
  await expect(message(mia, 'Are we still on for lunch?')).toBeVisible();
  await inspect(page, 'direct');

  await page.goto('/settings');
  await expect(page.getByText('This device')).toBeVisible();
  await inspect(page, 'settings');
  expect(mia.complaints).toEqual([]);
});

test('what opens over a chat', async ({ browser }) => {
  test.setTimeout(180_000);
  const mia = await register(browser, 'Mia Hartmann');
  const jonas = await register(browser, 'Jonas Weber');
  const { page } = mia;
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByRole('button', { name: /^New group/ }).click();
  await page.getByLabel('Group name').fill('Field trip');
  await page.getByLabel('Find people').fill(jonas.username);
  await page.getByRole('button', { name: /Jonas Weber @/ }).click();
  await expect(page.getByText('1 member chosen')).toBeVisible();
  await inspect(page, 'new-group');
  await page.getByRole('button', { name: 'Create group' }).click();
  await say(mia, 'Who drives?');

  await message(mia, 'Who drives?').hover();
  await message(mia, 'Who drives?').getByRole('button', { name: 'React', exact: true }).click();
  await expect(page.getByRole('button', { name: 'React with 🎉' })).toBeVisible();
  await inspect(page, 'reaction-picker');
  await page.keyboard.press('Escape');

  await choose(mia, 'Who drives?', 'Delete');
  await expect(page.getByRole('dialog')).toBeVisible();
  await inspect(page, 'confirm');
  await page.keyboard.press('Escape');

  await page
    .getByTestId('file-picker')
    .setInputFiles({ name: 'map.txt', mimeType: 'text/plain', buffer: Buffer.from('N') });
  await choose(mia, 'Who drives?', 'Reply');
  await composer(mia).fill('');
  await composer(mia).pressSequentially('You, @jon');
  await expect(page.getByRole('option', { name: /Jonas/ })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Attached files' }).getByText('1 B')).toBeVisible();
  await inspect(page, 'composer');

  await composer(mia).fill('You');
  await mia.context.setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await composer(mia).press('Enter');
  await expect(page.getByText('You are offline.')).toBeVisible();
  await expect(message(mia, 'You').last()).toBeVisible();
  await inspect(page, 'offline');
  expect(mia.complaints).toEqual([]);
});
