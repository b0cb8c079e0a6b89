import {
  defaultSettings,
  environmentFor,
  environmentNames,
  type Settings,
} from '../../../lambda/settings.ts';

/** The environment variables that the stack gives the function. */
export function functionEnvironment(settings: Partial<Settings>): Record<string, string> {
  return {
    ...environmentFor({ ...defaultSettings, ...settings }),
    [environmentNames.tableName]: 'bench',
    LOG_LEVEL: 'INFO',
  };
}
