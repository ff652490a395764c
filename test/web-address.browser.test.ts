// The address of the page: what is shown can be bookmarked, sent to another device, and stepped back from.
import { describe, expect, it } from 'vitest';
import { PASSWORD } from './support/client.ts';
import { openStage } from './support/stage.ts';
import { eventually, row, titles, write } from './support/web.ts';

const stage = openStage();
const searchOf = (url: string) => new URL(url).search;

describe('the address', () => {
  it('says what is shown, and leads another device to the same', async () => {
    const { page, client } = await stage.person();
    await write(page, 'Beta !low #work', 'Alpha !high #"work & home"', 'Gamma #work');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('combobox', { name: 'Category', exact: true }).selectOption('work');
    await page.getByRole('combobox', { name: 'Order', exact: true }).selectOption('title');
    await page.getByRole('radio', { name: 'All' }).check();
    await eventually(() => titles(page)).toEqual(['Beta', 'Gamma']);
    expect(searchOf(page.url())).toBe('?show=all&category=work&order=title');
    await page.reload();
    await eventually(() => titles(page)).toEqual(['Beta', 'Gamma']);
    const { page: there } = await stage.guest(await stage.elsewhere(client));
    await there.goto(page.url());
    await eventually(() => titles(there)).toEqual(['Beta', 'Gamma']);
    expect(await there.getByRole('radio', { name: 'All' }).isChecked()).toBe(true);
  });

  it('takes each choice back, and a search as one step however much was typed', async () => {
    const { page } = await stage.person();
    await write(page, 'Milk', 'Bread', 'Butter');
    await page.locator('#search').pressSequentially('b', { delay: 0 });
    await eventually(() => searchOf(page.url())).toBe('?q=b');
    await page.locator('#search').pressSequentially('read');
    await eventually(() => searchOf(page.url())).toBe('?q=bread');
    await page.getByRole('radio', { name: 'Done' }).check();
    await page.getByText('Nothing matches').waitFor();
    await page.goBack();
    await eventually(() => titles(page)).toEqual(['Bread']);
    await page.goBack();
    await eventually(() => titles(page)).toEqual(['Butter', 'Bread', 'Milk']);
    expect(await page.locator('#search').inputValue()).toBe('');
    await page.goForward();
    await eventually(() => titles(page)).toEqual(['Bread']);
    expect(await page.locator('#search').inputValue()).toBe('bread');
  });

  it('keeps the list as it was left while another page is looked at', async () => {
    const { page } = await stage.person();
    await write(page, 'Milk', 'Bread');
    await page.locator('#search').fill('milk');
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
    await page.getByRole('link', { name: 'Tasks' }).click();
    await eventually(() => titles(page)).toEqual(['Milk']);
    expect(searchOf(page.url())).toBe('?q=milk');
    await page.getByRole('link', { name: 'Tasks' }).click();
    await eventually(() => titles(page)).toEqual(['Bread', 'Milk']);
    expect(searchOf(page.url())).toBe('');
    await page.goBack();
    await eventually(() => titles(page)).toEqual(['Milk']);
    await page.goBack();
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  });

  it('that nobody ever made shows the start', async () => {
    const { page } = await stage.person();
    await write(page, 'Milk');
    await page.goto(`${page.url()}?show=everything&priority=9&due=never&order=&x=%`);
    await row(page, 'Milk').waitFor();
    expect(await page.getByRole('radio', { name: 'Open' }).isChecked()).toBe(true);
  });

  it('never leads the next person to what the one before looked for', async () => {
    const { page } = await stage.person();
    const { client: next } = await stage.person();
    await page.locator('#search').fill('present for Ada');
    await eventually(() => searchOf(page.url())).toBe('?q=present+for+Ada');
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    await page.getByLabel('E-mail').fill(next.account.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#quick-add').waitFor();
    await page.goBack();
    await page.locator('#search').waitFor();
    expect(await page.locator('#search').inputValue()).toBe('');
    expect(searchOf(page.url())).toBe('');
  });
});
