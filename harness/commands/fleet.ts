/** `poolproof fleet` */
import { explain, openLink } from '../fleet/connect.ts';
import { renderSurvey, surveyFleet } from '../fleet/survey.ts';
import { type Context, notifyOf } from './context.ts';

type Options = Readonly<{ fleet: string; json?: boolean | undefined }>;

export async function fleet(context: Context, _args: readonly string[], options: Options): Promise<number> {
  const link = await openLink({ address: options.fleet, onNotice: notifyOf(context).onNotice });
  try {
    const survey = await surveyFleet(link);
    context.out(options.json === true ? `${JSON.stringify(survey)}\n` : renderSurvey(survey));
    return 0;
  } catch (error) {
    throw explain(error, link.address);
  } finally {
    link.redis.disconnect();
  }
}
