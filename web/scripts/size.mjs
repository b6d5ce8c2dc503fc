// Fails when the first load (page, its scripts with static imports, style sheets; brotli) is above the budget.
import { readFileSync, statSync } from 'node:fs';

const budget = 150 * 1024;
const dist = new URL('../dist/', import.meta.url);
const page = readFileSync(new URL('index.html', dist), 'utf8');
const assets = [...page.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]);

let total = 0;
for (const asset of ['index.html', ...new Set(assets)]) {
  const { size } = statSync(new URL(`${asset}.br`, dist));
  total += size;
  console.log(`${(size / 1024).toFixed(1).padStart(7)} KB  ${asset}`);
}
console.log(`${(total / 1024).toFixed(1).padStart(7)} KB  in all, of ${budget / 1024} KB`);
if (total > budget) {
  console.error('The first load is above its budget: split something off.');
  process.exit(1);
}
