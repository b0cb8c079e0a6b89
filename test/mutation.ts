/** The tests that mutation testing runs, in one process, because starting one takes longer than most of them. */
import './lambda/time-budget.test.ts';
import './lambda/settings.test.ts';
import './lambda/conditional-cancel.test.ts';
import './lambda/api-key.test.ts';
import './lambda/envelope.test.ts';
import './lambda/telemetry.test.ts';
import './lambda/notifications.test.ts';
import './lambda/sweep.test.ts';
import './lambda/request.test.ts';
import './lambda/sweep-time.test.ts';
import './lambda/rate-limit.test.ts';
import './lambda/fault-matrix.test.ts';
