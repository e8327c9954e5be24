/** `poolproof fleet` */
import { explain, openLink } from '../fleet/connect.ts';
import { forgetLeftRun } from '../fleet/forget-run.ts';
import { renderSurvey, surveyFleet } from '../fleet/survey.ts';
import { formatCount } from '../report/format-run.ts';
import { type Context, notifyOf } from './context.ts';

type Options = Readonly<{
  fleet?: string | undefined;
  forget?: string | undefined;
  json?: boolean | undefined;
}>;

export async function fleet(context: Context, _args: readonly string[], options: Options): Promise<number> {
  const link = await openLink({ address: options.fleet, onNotice: notifyOf(context).onNotice });
  try {
    if (options.forget !== undefined) {
      const removed = await forgetLeftRun(link.redis, options.forget);
      context.out(`run ${options.forget} is forgotten: ${formatCount(removed, 'key')} removed\n`);
      return 0;
    }
    const survey = await surveyFleet(link);
    context.out(options.json === true ? `${JSON.stringify(survey)}\n` : renderSurvey(survey));
    return 0;
  } catch (error) {
    throw explain(error, link.address);
  } finally {
    link.redis.disconnect();
  }
}
