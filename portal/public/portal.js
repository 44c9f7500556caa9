/* Keeps the pages that wait and the welcome page current, and sends the form for a gateway's door; all work without it. */
(() => {
  document.querySelector('form[data-auto]')?.submit();
  const address = document.body.dataset.poll;
  if (!address) return;
  const box = document.getElementById('offers');
  const started = Date.now();
  const later = (ms) => setTimeout(ask, ms);

  function show(html) {
    box.innerHTML = html;
    box.className = 'fresh';
  }

  async function ask() {
    if (Date.now() - started > 15 * 60000) return;
    const known = [...document.querySelectorAll('[data-offer]')].map((card) => card.dataset.offer);
    try {
      const answer = await fetch(address + '&known=' + encodeURIComponent(known.join(',')), {
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!answer.ok) return later(answer.status < 500 ? 60000 : 5000);
      const news = await answer.json();
      // A whole new page, not a change of this one: only that makes a phone look again for the internet.
      if (news.go) return location.replace(news.go);
      if (box && news.html !== undefined && news.changed) show(news.html);
      later(news.wait ?? 250);
    } catch {
      later(3000);
    }
  }
  void ask();
})();
