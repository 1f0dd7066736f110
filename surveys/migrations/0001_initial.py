import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import surveys.models.settings
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0001_initial'),
        ('channels_app', '0001_initial'),
        ('crm', '0001_initial'),
        ('crm', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.SmallIntegerField(blank=True, null=True, verbose_name='number')),
                ('chosen', models.JSONField(blank=True, default=list, verbose_name='chosen')),
                ('text', models.TextField(blank=True, max_length=4000, verbose_name='text')),
                ('agreed', models.BooleanField(blank=True, null=True, verbose_name='agreed')),
                ('seconds', models.FloatField(blank=True, null=True, verbose_name='seconds')),
                ('answered_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='answered')),
                ('themed_at', models.DateTimeField(blank=True, null=True, verbose_name='themes suggested')),
            ],
            options={
                'verbose_name': 'answer',
                'verbose_name_plural': 'answers',
                'ordering': ['response', 'question__position'],
                'indexes': [models.Index(condition=models.Q(('text', ''), _negated=True), fields=['-answered_at', '-id'], name='comment_newest'), models.Index(condition=models.Q(('themed_at', None), models.Q(('text', ''), _negated=True)), fields=['id'], name='comment_to_theme'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('text'), name='gin_trgm_ops'), condition=models.Q(('text', ''), _negated=True), name='comment_trigrams')],
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('key', models.CharField(max_length=40, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_]{0,39}$', 'Small letters, digits and _, beginning with a letter.')], verbose_name='name')),
                ('kind', models.CharField(choices=[('nps', '0 to 10'), ('choice', 'Choice'), ('scale', 'Scale'), ('text', 'Own words'), ('consent', 'Permission')], max_length=7, verbose_name='kind')),
                ('required', models.BooleanField(default=False, verbose_name='must be answered')),
                ('several', models.BooleanField(default=False, verbose_name='several may be chosen')),
                ('choices', models.JSONField(blank=True, default=list, verbose_name='choices')),
                ('low', models.SmallIntegerField(default=1, verbose_name='from')),
                ('high', models.SmallIntegerField(default=5, verbose_name='to')),
                ('permission', models.CharField(blank=True, choices=[('call', 'Calls'), ('marketing', 'Marketing'), ('survey', 'Surveys'), ('quote', 'Being quoted')], max_length=10, verbose_name='permission for')),
                ('topic', models.CharField(blank=True, choices=[('product', 'Product'), ('price', 'Price'), ('relationship', 'Account relationship'), ('support', 'Support')], max_length=12, verbose_name='topic')),
                ('fact', models.CharField(blank=True, max_length=40, verbose_name='fact of the record')),
                ('shelf_days', models.PositiveSmallIntegerField(default=0, help_text='Days.', verbose_name='an answer holds for')),
                ('wording', models.JSONField(default=dict, verbose_name='wording')),
            ],
            options={
                'verbose_name': 'question',
                'verbose_name_plural': 'questions',
                'ordering': ['version', 'position'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'consent'), models.Q(('permission', ''), _negated=True)), models.Q(models.Q(('kind', 'consent'), _negated=True), ('permission', '')), _connector='OR'), name='a_question_for_consent_says_for_what'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'scale'), _negated=True), models.Q(('high__lte', 10), ('low__gte', -10), ('low__lt', models.F('high'))), _connector='OR'), name='a_scale_has_two_ends'), models.CheckConstraint(condition=models.Q(('kind', 'choice'), ('several', False), _connector='OR'), name='only_choices_are_several')],
            },
        ),
        migrations.CreateModel(
            name='ActionPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=120, verbose_name='what we do')),
                ('detail', models.TextField(blank=True, max_length=4000, verbose_name='how')),
                ('topic', models.CharField(blank=True, choices=[('product', 'Product'), ('price', 'Price'), ('relationship', 'Account relationship'), ('support', 'Support')], max_length=12, verbose_name='topic')),
                ('due_on', models.DateField(verbose_name='due')),
                ('state', models.CharField(choices=[('open', 'Open'), ('doing', 'Under way'), ('done', 'Done'), ('dropped', 'Dropped')], default='open', max_length=7, verbose_name='state')),
                ('outcome', models.TextField(blank=True, help_text='Customers who asked for it read this.', max_length=2000, verbose_name='what changed')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('cause', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='cases.cause', verbose_name='cause')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'action plan',
                'verbose_name_plural': 'action plans',
                'ordering': ['due_on', 'id'],
                'indexes': [models.Index(fields=['state', 'due_on', 'id'], name='plan_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state__in', ['open', 'doing'])), models.Q(('ended_at__isnull', False), ('state__in', ['done', 'dropped'])), _connector='OR'), name='a_plan_that_ended_says_when'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['done', 'dropped']), _negated=True), models.Q(('outcome', ''), _negated=True), _connector='OR'), name='a_plan_that_ended_says_what_changed')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='number')),
                ('by', models.CharField(choices=[('email', 'E-mail'), ('private', 'Private message'), ('elsewhere', 'Asked elsewhere')], default='email', max_length=9, verbose_name='by')),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('sending', 'Being sent'), ('doubt', 'In doubt'), ('sent', 'Sent'), ('answered', 'Finished'), ('bounced', 'Came back'), ('expired', 'Expired'), ('cancelled', 'Cancelled')], default='planned', max_length=9, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('stratum', models.CharField(blank=True, max_length=120, verbose_name='stratum')),
                ('weight', models.FloatField(default=1.0, help_text='One over the chance of being drawn.', verbose_name='weight')),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='due')),
                ('claimed_at', models.DateTimeField(blank=True, null=True, verbose_name='claimed')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('opened_at', models.DateTimeField(blank=True, null=True, verbose_name='opened')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('reminded', models.PositiveSmallIntegerField(default=0, verbose_name='reminders sent')),
                ('reminded_at', models.DateTimeField(blank=True, null=True, verbose_name='reminded')),
                ('came_back', models.PositiveSmallIntegerField(default=0, help_text='A bit for each of its mails; the invitation is 1.', verbose_name='came back for now')),
                ('case', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='invitation', to='cases.case')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='crm.customer')),
                ('identity', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.identity', verbose_name='address')),
                ('message', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invitation', to='channels_app.message')),
            ],
            options={
                'verbose_name': 'invitation',
                'verbose_name_plural': 'invitations',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'planned')), fields=['due_at', 'id'], name='invitation_to_send'), models.Index(fields=['customer', '-sent_at'], name='invitation_of_a_customer'), models.Index(condition=models.Q(('state__in', ['planned', 'sending', 'doubt', 'sent'])), fields=['expires_at'], name='invitation_to_expire')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['planned', 'sending', 'doubt', 'sent'])), fields=('customer',), name='a_customer_is_asked_one_survey_at_a_time'), models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='an_invitation_stands_for_one_or_more'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state__in', ['planned', 'sending', 'doubt', 'sent'])), models.Q(('ended_at__isnull', False), ('state__in', ['answered', 'bounced', 'expired', 'cancelled'])), _connector='OR'), name='an_invitation_that_ended_says_when'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['sent', 'answered']), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='an_invitation_that_was_sent_says_when'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['cancelled', 'bounced']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='an_invitation_that_failed_says_why')],
            },
        ),
        migrations.CreateModel(
            name='PlanAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asks', to='surveys.answer')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked_by', to='surveys.actionplan')),
            ],
            options={
                'verbose_name': 'comment behind a plan',
                'verbose_name_plural': 'comments behind plans',
                'ordering': ['plan', 'id'],
                'constraints': [models.UniqueConstraint(fields=('plan', 'answer'), name='a_comment_asks_for_a_plan_once')],
            },
        ),
        migrations.AddField(
            model_name='actionplan',
            name='answers',
            field=models.ManyToManyField(related_name='plans', through='surveys.PlanAnswer', to='surveys.answer'),
        ),
        migrations.CreateModel(
            name='Condition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fact', models.CharField(blank=True, max_length=40, verbose_name='fact of the record')),
                ('test', models.CharField(choices=[('at_least', 'at least'), ('at_most', 'at most'), ('one_of', 'one of'), ('none_of', 'none of')], max_length=8, verbose_name='is')),
                ('values', models.JSONField(default=list, verbose_name='what')),
                ('about', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='leads_to', to='surveys.question', verbose_name='answer to')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conditions', to='surveys.question')),
            ],
            options={
                'verbose_name': 'condition',
                'verbose_name_plural': 'conditions',
                'ordering': ['question', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('about', None), models.Q(('fact', ''), _negated=True)), models.Q(('about__isnull', False), ('fact', '')), _connector='OR'), name='a_condition_is_about_an_answer_or_a_fact'), models.CheckConstraint(condition=models.Q(('about', models.F('question')), _negated=True), name='a_question_does_not_wait_for_itself')],
            },
        ),
        migrations.AddField(
            model_name='answer',
            name='question',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.question'),
        ),
        migrations.CreateModel(
            name='Response',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(blank=True, max_length=8, verbose_name='language')),
                ('device', models.CharField(blank=True, help_text='A keyed hash; it leads to nobody.', max_length=64, verbose_name='device')),
                ('score', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='score')),
                ('group', models.GeneratedField(db_persist=True, expression=models.Case(models.When(score__gte=9, then=models.Value('promoter')), models.When(score__lte=6, then=models.Value('detractor')), models.When(score__isnull=False, then=models.Value('passive')), default=models.Value('')), output_field=models.CharField(max_length=9))),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='started')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('quotable_at', models.DateTimeField(blank=True, null=True, verbose_name='may be quoted')),
                ('left_out_at', models.DateTimeField(blank=True, null=True, verbose_name='left out')),
                ('let_in_at', models.DateTimeField(blank=True, null=True, verbose_name='let in')),
                ('invitation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='response', to='surveys.invitation')),
                ('left_out_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('let_in_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'response',
                'verbose_name_plural': 'responses',
                'ordering': ['-started_at', '-id'],
                'indexes': [models.Index(fields=['-finished_at', '-id'], name='response_newest'), models.Index(condition=models.Q(('device', ''), _negated=True), fields=['device'], name='response_of_a_device')],
                'constraints': [models.CheckConstraint(condition=models.Q(('score', None), ('score__lte', 10), _connector='OR'), name='a_score_is_from_0_to_10'), models.CheckConstraint(condition=models.Q(models.Q(('left_out_at', None), ('left_out_by', None)), models.Q(('left_out_at__isnull', False), ('left_out_by__isnull', False)), _connector='OR'), name='a_response_is_left_out_by_somebody'), models.CheckConstraint(condition=models.Q(models.Q(('let_in_at', None), ('let_in_by', None)), models.Q(('let_in_at__isnull', False), ('let_in_by__isnull', False)), _connector='OR'), name='a_response_is_let_in_by_somebody'), models.CheckConstraint(condition=models.Q(('left_out_at', None), ('let_in_at', None), _connector='OR'), name='a_response_is_left_out_or_let_in')],
            },
        ),
        migrations.CreateModel(
            name='Flag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('straight', 'The same everywhere'), ('fast', 'Too fast'), ('late', 'Left near the end'), ('device', 'Same device')], max_length=8, verbose_name='kind')),
                ('why', models.CharField(max_length=300, verbose_name='why')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('response', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='surveys.response')),
            ],
            options={
                'verbose_name': 'flag',
                'verbose_name_plural': 'flags',
                'ordering': ['response', 'kind'],
                'constraints': [models.UniqueConstraint(fields=('response', 'kind'), name='a_response_is_flagged_once_for_a_reason')],
            },
        ),
        migrations.AddField(
            model_name='answer',
            name='response',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='surveys.response'),
        ),
        migrations.CreateModel(
            name='Survey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('kind', models.CharField(choices=[('nps', 'Twice a year'), ('case', 'After a case'), ('pulse', 'Pulse')], default='nps', max_length=5, verbose_name='kind')),
                ('brand', models.CharField(blank=True, help_text='In whose name it is asked, as on its channels.', max_length=60, verbose_name='brand')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                ('retired_at', models.DateTimeField(blank=True, null=True, verbose_name='retired')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'survey',
                'verbose_name_plural': 'surveys',
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('kind', 'case'), ('retired_at', None)), fields=('kind',), name='one_survey_asks_after_cases')],
            },
        ),
        migrations.CreateModel(
            name='SurveySettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begins_on', models.DateField(default=surveys.models.settings._today, help_text='Nobody counts as unasked for longer than this: the year in which everybody is asked begins here.', verbose_name='we ask since')),
                ('rest_days', models.PositiveSmallIntegerField(default=90, help_text='Days between two surveys of one person, whichever they are.', verbose_name='rest')),
                ('least', models.PositiveSmallIntegerField(default=10, help_text='Nothing is shown of fewer answers than this.', verbose_name='smallest base')),
                ('valid_days', models.PositiveSmallIntegerField(default=30, help_text='Days.', verbose_name='a link works for')),
                ('call_days', models.PositiveSmallIntegerField(default=7, help_text='Days. The page of thanks says so.', verbose_name='we call within')),
                ('case_hours', models.PositiveSmallIntegerField(default=24, help_text='Hours after it was resolved; 0: at once.', verbose_name='we ask after a case')),
            ],
            options={
                'verbose_name': 'settings of surveys',
                'verbose_name_plural': 'settings of surveys',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='surveys_have_one_row_of_settings'), models.CheckConstraint(condition=models.Q(('call_days__gte', 1), ('least__gte', 2), ('rest_days__lte', 180), ('valid_days__gte', 1), ('valid_days__lte', 365)), name='the_settings_of_surveys_are_within_bounds')],
            },
        ),
        migrations.CreateModel(
            name='Theme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(blank=True, choices=[('product', 'Product'), ('price', 'Price'), ('relationship', 'Account relationship'), ('support', 'Support')], max_length=12, verbose_name='topic')),
                ('tone', models.CharField(choices=[('praise', 'Praise'), ('criticism', 'Criticism'), ('neutral', 'Neither')], max_length=9, verbose_name='tone')),
                ('words', models.CharField(blank=True, help_text='What in the comment says so.', max_length=200, verbose_name='because of')),
                ('suggested', models.BooleanField(default=False, verbose_name='suggested by Hark')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('dropped_at', models.DateTimeField(blank=True, null=True, verbose_name='taken away')),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='themes', to='surveys.answer')),
                ('cause', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='themes', to='cases.cause', verbose_name='cause')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'theme',
                'verbose_name_plural': 'themes',
                'ordering': ['answer', 'id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('topic', ''), _negated=True), fields=('answer', 'topic'), name='a_comment_has_a_topic_once'), models.UniqueConstraint(condition=models.Q(('cause__isnull', False)), fields=('answer', 'cause'), name='a_comment_has_a_cause_once'), models.CheckConstraint(condition=models.Q(models.Q(('cause', None), models.Q(('topic', ''), _negated=True)), models.Q(('cause__isnull', False), ('topic', '')), _connector='OR'), name='a_theme_is_a_topic_or_a_cause'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='a_theme_is_decided_by_somebody'), models.CheckConstraint(condition=models.Q(('suggested', True), ('decided_at__isnull', False), _connector='OR'), name='a_theme_comes_from_somebody')],
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(default=1, verbose_name='number')),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=8), default=list, size=20, verbose_name='languages')),
                ('wording', models.JSONField(default=dict, verbose_name='wording')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='first sent')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('survey', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='surveys.survey', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'version of a survey',
                'verbose_name_plural': 'versions of surveys',
                'ordering': ['survey', '-number'],
                'constraints': [models.UniqueConstraint(fields=('survey', 'number'), name='a_survey_numbers_its_versions'), models.UniqueConstraint(condition=models.Q(('sent_at', None)), fields=('survey',), name='a_survey_has_one_version_in_the_making'), models.CheckConstraint(condition=models.Q(('languages__len__gte', 1)), name='a_version_speaks_a_language')],
            },
        ),
        migrations.AddField(
            model_name='question',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='surveys.version'),
        ),
        migrations.AddField(
            model_name='invitation',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='surveys.version'),
        ),
        migrations.CreateModel(
            name='Wave',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('audience', models.CharField(blank=True, max_length=2000, verbose_name='audience')),
                ('seed', models.CharField(help_text='The same seed draws the same people.', max_length=32, verbose_name='seed')),
                ('share', models.PositiveSmallIntegerField(default=50, help_text='Percent of who need not be asked.', verbose_name='share')),
                ('rest_days', models.PositiveSmallIntegerField(default=90, help_text='Days between two surveys.', verbose_name='rest')),
                ('opens_at', models.DateTimeField(verbose_name='opens')),
                ('closes_at', models.DateTimeField(verbose_name='closes')),
                ('next_on', models.DateField(verbose_name='next wave')),
                ('per_hour', models.PositiveIntegerField(default=0, help_text='0: as fast as they go.', verbose_name='invitations an hour')),
                ('remind_days', models.PositiveSmallIntegerField(default=5, help_text='Days; 0: never.', verbose_name='remind after')),
                ('reminders', models.PositiveSmallIntegerField(default=1, verbose_name='reminders')),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('running', 'Running'), ('paused', 'Paused'), ('closed', 'Closed')], default='draft', max_length=7, verbose_name='state')),
                ('effort_reason', models.CharField(blank=True, max_length=500, verbose_name='why it is sent all the same')),
                ('strata', models.JSONField(default=dict, verbose_name='strata')),
                ('left_out', models.JSONField(default=dict, verbose_name='left out')),
                ('imported', models.BooleanField(default=False, verbose_name='asked elsewhere')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made')),
                ('planned_at', models.DateTimeField(blank=True, null=True, verbose_name='planned')),
                ('planned_to', models.BigIntegerField(default=0, help_text='The customer to whom planning has come.')),
                ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='surveys.version', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'wave',
                'verbose_name_plural': 'waves',
                'ordering': ['-opens_at', '-id'],
                'indexes': [models.Index(fields=['state', 'closes_at'], name='wave_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opens_at'))), name='a_wave_closes_after_it_opens'), models.CheckConstraint(condition=models.Q(('share__lte', 100)), name='a_wave_asks_a_share'), models.CheckConstraint(condition=models.Q(('reminders__lte', 3)), name='a_wave_reminds_three_times_at_most'), models.CheckConstraint(condition=models.Q(models.Q(('planned_at', None), ('state', 'draft')), models.Q(('state', 'draft'), _negated=True), _connector='OR'), name='a_draft_of_a_wave_has_no_plan'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed')), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at', None)), _connector='OR'), name='a_closed_wave_says_when')],
            },
        ),
        migrations.AddField(
            model_name='invitation',
            name='wave',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='surveys.wave'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='condition',
            trigger=pgtrigger.compiler.Trigger(name='conditions_of_a_sent_version_stay', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE frozen boolean;', func="\n    SELECT version.sent_at IS NOT NULL INTO frozen FROM surveys_version AS version WHERE version.id = (SELECT version_id FROM surveys_question WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.question_id ELSE OLD.question_id END);\n    IF frozen THEN\n        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'a_version_that_was_sent_never_changes',\n            MESSAGE = 'A version that was sent never changes.';\n    END IF;\n    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n    RETURN NEW;\n", hash='52667d31b84ed7577293178ef289040bf3521246', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_conditions_of_a_sent_version_stay_b42b0', table='surveys_condition', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(fields=('response', 'question'), name='a_question_has_one_answer'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='version',
            trigger=pgtrigger.compiler.Trigger(name='a_version_that_was_sent_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."sent_at" IS NOT NULL)', func="\n                IF (OLD.survey_id, OLD.number, OLD.languages, OLD.wording, OLD.sent_at)\n                   IS DISTINCT FROM (NEW.survey_id, NEW.number, NEW.languages, NEW.wording, NEW.sent_at) THEN\n                    RAISE EXCEPTION USING ERRCODE = 'check_violation',\n                        CONSTRAINT = 'a_version_that_was_sent_never_changes',\n                        MESSAGE = 'A version that was sent never changes.';\n                END IF;\n                RETURN NEW;\n                ", hash='e56ae988bb03ffc9c913f8286ecbe28e58e3c5c9', operation='UPDATE', pgid='pgtrigger_a_version_that_was_sent_never_changes_3675e', table='surveys_version', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('version', 'position'), name='questions_of_a_version_stand_in_line'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='a_version_asks_a_thing_once'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'nps')), fields=('version',), name='a_version_asks_for_one_recommendation'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='question',
            trigger=pgtrigger.compiler.Trigger(name='questions_of_a_sent_version_stay', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE frozen boolean;', func="\n    SELECT version.sent_at IS NOT NULL INTO frozen FROM surveys_version AS version WHERE version.id = CASE WHEN TG_OP = 'INSERT' THEN NEW.version_id ELSE OLD.version_id END;\n    IF frozen THEN\n        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'a_version_that_was_sent_never_changes',\n            MESSAGE = 'A version that was sent never changes.';\n    END IF;\n    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n    RETURN NEW;\n", hash='0d24f9b755373415863ba8b616030619d96ce83e', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_questions_of_a_sent_version_stay_21327', table='surveys_question', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(fields=['wave', 'state', 'id'], name='invitation_of_a_wave'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(fields=('wave', 'customer'), name='a_wave_asks_a_customer_once'),
        ),
    ]
