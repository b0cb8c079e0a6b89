/** The bundle takes this in place of `@aws-sdk/token-providers`: the function signs its calls, and has no bearer tokens. */
const noToken = async () => {
  throw new Error('The function has no bearer tokens');
};
export const fromEnvSigningName = () => noToken;
export const nodeProvider = () => noToken;
