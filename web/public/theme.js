// Runs before the first paint: a stored choice of theme wins over the system's.
try {
  const choice = localStorage.getItem('ec.theme');
  if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice;
} catch {
  // Storage may be blocked; the system's theme stays.
}
