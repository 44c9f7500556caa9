/** PURE. The small windows that phones open for sign-in pages, told by what they call themselves. */

/** Apple's sheet and Android's window; anything else counts as a browser. */
export function miniBrowser(userAgent: string): 'apple' | 'android' | null {
  if (/CaptiveNetworkSupport/.test(userAgent)) return 'apple';
  if (/; wv\)/.test(userAgent) || /CaptivePortalLogin/.test(userAgent)) return 'android';
  const apple = /\((?:iPhone|iPad|iPod|Macintosh)[^)]*\) AppleWebKit\//.test(userAgent);
  // Every real browser of Apple's systems adds its own name; the sheet is WebKit and nothing else.
  return apple && !/(?:Safari|CriOS|FxiOS|EdgiOS|Chrome|Firefox)\//.test(userAgent)
    ? 'apple'
    : null;
}
