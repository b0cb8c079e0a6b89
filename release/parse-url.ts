/** `URL.parse` for Node 20, which does not have it. */
export const parseUrl = (text: string) => (URL.canParse(text) ? new URL(text) : null);
