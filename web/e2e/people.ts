import { type Browser, type BrowserContext, expect, type Locator, type Page } from '@playwright/test';

/** Somebody with a browser of their own. */
export interface Person {
  name: string;
  username: string;
  password: string;
  context: BrowserContext;
  page: Page;
  /** What the browser complained about: violations of the page's policy, uncaught errors. */
  complaints: string[];
}

let made = 0;

export async function register(
  browser: Browser,
  name: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
  const username = `${name.split(' ')[0]?.toLowerCase()}.${Date.now().toString(36)}${(made++).toString(36)}`;
  const password = 'correct horse battery';
  await page.goto('/register');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'Chats' })).toBeVisible();
  return { name, username, password, context, page, complaints };
}

export async function startDirect(from: Person, to: Person): Promise<void> {
  await from.page.getByRole('button', { name: 'New chat' }).click();
  await from.page.getByLabel('Find people').fill(to.username);
  await from.page.getByRole('button', { name: new RegExp(to.name) }).click();
  await expect(from.page.getByRole('heading', { name: to.name, level: 2 })).toBeVisible();
}

export async function createGroup(owner: Person, title: string, members: Person[]): Promise<void> {
  const { page } = owner;
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByRole('button', { name: /^New group/ }).click();
  await page.getByLabel('Group name').fill(title);
  for (const member of members) {
    await page.getByLabel('Find people').fill(member.username);
    await page.getByRole('button', { name: new RegExp(`${member.name} @`) }).click();
    await expect(page.getByRole('button', { name: `Remove ${member.name}` })).toBeVisible();
  }
  await page.getByRole('button', { name: 'Create group' }).click();
  await expect(page.getByRole('heading', { name: title, level: 2 })).toBeVisible();
}

/** Opens the conversation with this title from the list. */
export async function open(person: Person, title: string): Promise<void> {
  await row(person, title).click();
  await expect(person.page.getByRole('heading', { name: title, level: 2 })).toBeVisible();
}

export function row({ page }: Person, title: string): Locator {
  return page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').filter({ hasText: title }).first();
}

export function composer({ page }: Person): Locator {
  return page.getByRole('textbox', { name: 'Message', exact: true });
}

/** `shown` is the text without its marks. */
export async function say(person: Person, text: string, shown = text): Promise<void> {
  await composer(person).fill(text);
  await composer(person).press('Enter');
  await expect(message(person, shown)).toBeVisible();
}

/** The first message with this text: a reply that quotes it comes later. */
export function message(person: Person, text: string): Locator {
  return messages(person, text).first();
}

export function messages({ page }: Person, text: string): Locator {
  return page.getByRole('log').getByRole('article').filter({ hasText: text });
}

export function tick(person: Person, text: string, state: string): Locator {
  return message(person, text).locator(`[data-tick="${state}"]`);
}

/** Opens the menu of a message and chooses from it. */
export async function choose(person: Person, text: string, action: string): Promise<void> {
  await message(person, text).hover();
  await message(person, text).getByRole('button', { name: 'Message actions' }).click();
  await person.page.getByRole('menuitem', { name: action }).click();
}
