import channels_app.platforms.registry
import crm.models.files
import crm.models.sought
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('crm', '0001_initial'),
        ('crm', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='LiveStream',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('newest', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(help_text='Short name used in commands.', max_length=40, unique=True, verbose_name='key')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('platform', models.CharField(choices=channels_app.platforms.registry.choices, max_length=20, verbose_name='platform')),
                ('place', models.SlugField(help_text='Handles are unique within a network.', max_length=40, verbose_name='network')),
                ('our_handle', models.CharField(blank=True, max_length=120, verbose_name='our handle')),
                ('brand', models.CharField(blank=True, max_length=80, verbose_name='brand')),
                ('cursor', models.JSONField(blank=True, default=dict, editable=False, verbose_name='how far we have read')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='connected')),
                ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused')),
                ('last_in_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last received')),
                ('last_out_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last sent')),
                ('trouble', models.CharField(blank=True, editable=False, max_length=300, verbose_name='what is wrong')),
                ('team', models.ForeignKey(help_text='Gets what no rule sends elsewhere.', on_delete=django.db.models.deletion.PROTECT, related_name='channels', to='crm.team', verbose_name='team')),
            ],
            options={
                'verbose_name': 'channel',
                'verbose_name_plural': 'channels',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='FileLoad',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=200)),
                ('rows', models.PositiveBigIntegerField(default=0)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='file_loads', to='channels_app.channel')),
            ],
            options={
                'verbose_name': 'file loaded',
                'verbose_name_plural': 'files loaded',
                'constraints': [models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('channel', 'fingerprint'), name='a_file_has_one_pass_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='LiveEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stream', models.CharField(max_length=60)),
                ('number', models.BigIntegerField()),
                ('kind', models.CharField(max_length=30)),
                ('data', models.JSONField(default=dict)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['at'], name='live_event_age')],
                'constraints': [models.UniqueConstraint(fields=('stream', 'number'), name='a_live_event_has_its_own_number')],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=255, null=True, verbose_name='id on the network')),
                ('direction', models.CharField(choices=[('in', 'From a customer'), ('out', 'From us')], max_length=3, verbose_name='direction')),
                ('private', models.BooleanField(default=False, verbose_name='private')),
                ('text', models.TextField(verbose_name='text')),
                ('url', models.URLField(blank=True, max_length=500, verbose_name='link')),
                ('occurred_at', models.DateTimeField(verbose_name='said at')),
                ('stored_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='stored at')),
                ('edited_at', models.DateTimeField(blank=True, null=True, verbose_name='edited at')),
                ('deleted_at', models.DateTimeField(blank=True, null=True, verbose_name='deleted on the network at')),
                ('erased_at', models.DateTimeField(blank=True, editable=False, help_text='It still counts; it says nothing.', null=True, verbose_name='words erased at')),
                ('parent_external_id', models.CharField(blank=True, max_length=255, verbose_name='answers')),
                ('quoted_external_id', models.CharField(blank=True, max_length=255, verbose_name='quotes')),
                ('language', models.CharField(blank=True, max_length=8, verbose_name='language')),
                ('sentiment', models.CharField(choices=[('negative', 'Negative'), ('neutral', 'Neutral'), ('positive', 'Positive'), ('unknown', 'Not read')], default='unknown', max_length=8, verbose_name='sentiment')),
                ('score', models.FloatField(default=0, help_text='-1 worst to 1 best', verbose_name='score')),
                ('confidence', models.FloatField(default=0, help_text='0 to 1', verbose_name='confidence')),
                ('reasons', models.CharField(blank=True, max_length=300, verbose_name='words that decided')),
                ('reader', models.CharField(blank=True, help_text='version of the reader', max_length=20, verbose_name='read by')),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('routed_at', models.DateTimeField(blank=True, null=True)),
                ('topics', models.CharField(blank=True, help_text='What it praises or blames.', max_length=60, verbose_name='topics')),
                ('named_by', models.CharField(blank=True, help_text='version of the words', max_length=20, verbose_name='topics by')),
                ('words', models.GeneratedField(db_persist=True, expression=crm.models.sought.SoughtWords('text'), help_text='What was said, as it is searched.', output_field=django.contrib.postgres.search.SearchVectorField())),
                ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='channels_app.channel')),
                ('identity', models.ForeignKey(blank=True, help_text='Who wrote it, or whom we answered.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='crm.identity', verbose_name="customer's identity")),
                ('identity_request', models.ForeignKey(blank=True, db_index=False, help_text='Put in when it is sent; the text does not hold it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to='crm.identityrequest', verbose_name='carries the link of')),
                ('sent_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'indexes': [models.Index(fields=['identity', '-occurred_at', '-id'], name='message_of_identity'), models.Index(condition=models.Q(('parent_external_id', ''), _negated=True), fields=['channel', 'parent_external_id'], name='message_answers'), models.Index(condition=models.Q(('identity_request__isnull', False)), fields=['identity_request'], name='message_with_a_link'), models.Index(condition=models.Q(('read_at', None)), fields=['channel', 'id'], name='message_to_read'), models.Index(condition=models.Q(('routed_at', None)), fields=['channel', 'id'], name='message_to_route'), django.contrib.postgres.indexes.GinIndex(fields=['words'], name='message_words'), models.Index(condition=models.Q(('direction', 'in'), ('erased_at', None), ('sentiment__in', ('negative', 'positive'))), fields=['named_by', 'id'], name='message_to_name'), models.Index(condition=models.Q(('direction', 'in'), ('erased_at', None), ('sentiment__in', ('negative', 'positive')), models.Q(('topics', ''), _negated=True)), fields=['identity', 'occurred_at'], include=('sentiment', 'topics'), name='message_about_something'), models.Index(fields=['occurred_at'], include=('direction', 'channel'), name='message_by_time')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='a_message_is_stored_once'), models.CheckConstraint(condition=models.Q(('direction', 'out'), ('identity__isnull', False), _connector='OR'), name='a_customers_message_has_an_author'), models.CheckConstraint(condition=models.Q(('erased_at', None), models.Q(('reasons', ''), ('text', ''), ('topics', ''), ('url', '')), _connector='OR'), name='an_erased_message_says_nothing')],
            },
        ),
        migrations.CreateModel(
            name='Measure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('mute', 'Mute the author'), ('hide', 'Hide the message'), ('block', 'Block the author'), ('report', 'Report to the network')], max_length=6, verbose_name='what')),
                ('reason', models.CharField(choices=[('spam', 'Spam or advertising'), ('abuse', 'Abuse or hate'), ('threat', 'Threat of violence'), ('fraud', 'Fraud or a false name'), ('private', 'Private data of somebody'), ('other', 'Something else')], max_length=8, verbose_name='why')),
                ('detail', models.CharField(blank=True, max_length=300, verbose_name='more')),
                ('state', models.CharField(choices=[('proposed', 'Waits for a second person'), ('in_force', 'In force'), ('refused', 'Refused by the second person'), ('lifted', 'Lifted')], max_length=8, verbose_name='state')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('seconded_at', models.DateTimeField(blank=True, null=True)),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lifted_why', models.CharField(blank=True, max_length=300)),
                ('to_tell_since', models.DateTimeField(blank=True, help_text='That it is in force; or, once it is lifted, that it is over.', null=True, verbose_name='the network is to be told since')),
                ('told_at', models.DateTimeField(blank=True, null=True, verbose_name='done on the network')),
                ('trouble', models.CharField(blank=True, max_length=300, verbose_name='what the network said')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='measures', to='channels_app.channel')),
                ('identity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='measures', to='crm.identity')),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seconded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='measures', to='channels_app.message')),
            ],
            options={
                'verbose_name': 'measure',
                'verbose_name_plural': 'measures',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'in_force')), fields=['channel', 'identity'], name='measure_against_an_author'), models.Index(condition=models.Q(('to_tell_since__isnull', False)), fields=['id'], name='measure_to_tell')],
                'constraints': [models.CheckConstraint(condition=models.Q(('seconded_by', None), models.Q(('seconded_by', models.F('by')), _negated=True), _connector='OR'), name='the_second_pair_of_eyes_is_somebody_elses'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at__isnull', False), ('lifted_by__isnull', False), ('state', 'lifted')), models.Q(models.Q(('state', 'lifted'), _negated=True), ('lifted_at', None), ('lifted_by', None)), _connector='OR'), name='a_lifted_measure_says_when_and_by_whom'), models.UniqueConstraint(condition=models.Q(('state__in', ['proposed', 'in_force'])), fields=('kind', 'message'), name='a_measure_is_taken_once_per_message')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='key')),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Not sent'), ('in_doubt', 'In doubt')], default='queued', max_length=10, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='written')),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now, verbose_name='not before')),
                ('lease_until', models.DateTimeField(blank=True, null=True, verbose_name='claimed until')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='delivery', to='channels_app.message')),
            ],
            options={
                'verbose_name': 'outgoing message',
                'verbose_name_plural': 'outbox',
                'indexes': [models.Index(condition=models.Q(('state__in', ['queued', 'sending', 'in_doubt'])), fields=['not_before'], name='outbox_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state', 'sent'), ('sent_at__isnull', True), _connector='XOR'), name='a_sent_reply_has_its_time'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'sending'), _negated=True), ('lease_until__isnull', False), _connector='OR'), name='a_reply_being_sent_has_a_lease')],
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.FileField(max_length=200, upload_to=crm.models.files.kept_at, verbose_name='file')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('content_type', models.CharField(max_length=100, verbose_name='type')),
                ('size', models.PositiveBigIntegerField(help_text='bytes', verbose_name='size')),
                ('sha256', models.CharField(editable=False, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='kept since')),
                ('source_url', models.URLField(blank=True, max_length=1000, verbose_name='where the network keeps it')),
                ('trouble', models.CharField(blank=True, max_length=300, verbose_name='why it could not be fetched')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='channels_app.message')),
            ],
            options={
                'verbose_name': 'attachment',
                'verbose_name_plural': 'attachments',
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('file', ''), ('trouble', '')), fields=['id'], name='attachment_to_fetch')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('file', ''), _negated=True), models.Q(('source_url', ''), _negated=True), _connector='OR'), name='a_file_is_here_or_can_be_fetched')],
            },
        ),
        migrations.CreateModel(
            name='MessageVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('replaced_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='channels_app.message')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Module',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('place', models.SlugField(blank=True, help_text='Empty: a base module, for all.', max_length=40, verbose_name='network')),
                ('content', models.TextField(max_length=20000, verbose_name='content')),
                ('pass_mark', models.PositiveSmallIntegerField(default=80, help_text='Percent of the questions.', verbose_name='pass mark')),
                ('valid_days', models.PositiveSmallIntegerField(default=365, help_text='Days; then once more.', verbose_name='valid for')),
                ('position', models.PositiveSmallIntegerField(default=100, verbose_name='order')),
                ('in_force_at', models.DateTimeField(blank=True, null=True, verbose_name='in force')),
                ('retired_at', models.DateTimeField(blank=True, null=True, verbose_name='retired')),
            ],
            options={
                'verbose_name': 'module',
                'verbose_name_plural': 'modules',
                'ordering': ['place', 'position', 'name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('pass_mark__gte', 1), ('pass_mark__lte', 100)), name='a_pass_mark_is_a_percentage'), models.CheckConstraint(condition=models.Q(('valid_days__gte', 1)), name='a_certificate_is_valid_for_a_day_at_least')],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('right', models.PositiveSmallIntegerField(verbose_name='right answers')),
                ('asked', models.PositiveSmallIntegerField(verbose_name='questions')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='taken')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='valid until')),
                ('reminded_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to=settings.AUTH_USER_MODEL)),
                ('module', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='channels_app.module')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
                'ordering': ['-at'],
                'indexes': [models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['user', 'module', '-expires_at'], name='certificate')],
                'constraints': [models.CheckConstraint(condition=models.Q(('right__lte', models.F('asked'))), name='nobody_is_right_more_often_than_asked')],
            },
        ),
        migrations.CreateModel(
            name='ModuleQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=500, verbose_name='question')),
                ('choices', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), size=None, verbose_name='choices')),
                ('right', models.PositiveSmallIntegerField(verbose_name='right choice')),
                ('position', models.PositiveSmallIntegerField(default=100, verbose_name='order')),
                ('module', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='channels_app.module')),
            ],
            options={
                'verbose_name': 'question of a module',
                'verbose_name_plural': 'questions of modules',
                'ordering': ['position', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('right__lt', models.Func(models.F('choices'), function='cardinality', output_field=models.IntegerField()))), name='the_right_choice_is_among_the_choices')],
            },
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('who', models.TextField(max_length=4000, verbose_name='who speaks here')),
                ('how', models.TextField(max_length=4000, verbose_name='how we speak')),
                ('never', models.TextField(max_length=4000, verbose_name='what we never do')),
                ('published_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='published')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='policies', to='channels_app.channel')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by')),
            ],
            options={
                'verbose_name': 'policy',
                'verbose_name_plural': 'policies',
                'ordering': ['channel', '-version'],
                'constraints': [models.UniqueConstraint(fields=('channel', 'version'), name='a_channels_policy_has_each_version_once')],
            },
        ),
        migrations.CreateModel(
            name='PolicyAcceptance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='accepted')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='acceptances', to='channels_app.policy')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'acceptance of a policy',
                'verbose_name_plural': 'acceptances of policies',
                'constraints': [models.UniqueConstraint(fields=('policy', 'user'), name='a_person_accepts_a_policy_once')],
            },
        ),
        migrations.CreateModel(
            name='RawEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='received')),
                ('origin', models.CharField(blank=True, max_length=300, verbose_name='origin')),
                ('body', models.BinaryField(verbose_name='as received')),
                ('state', models.CharField(choices=[('new', 'Waiting'), ('stored', 'Stored'), ('duplicate', 'Known already'), ('rejected', 'Cannot be read')], default='new', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='raw_events', to='channels_app.channel')),
                ('load', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='raw_events', to='channels_app.fileload')),
            ],
            options={
                'verbose_name': 'received payload',
                'verbose_name_plural': 'received payloads',
                'indexes': [models.Index(condition=models.Q(('state', 'new')), fields=['channel', 'id'], name='raw_pending'), models.Index(condition=models.Q(('state', 'rejected')), fields=['-id'], name='raw_dead_letters'), models.Index(condition=models.Q(('load__isnull', False)), fields=['load', 'state'], name='raw_of_a_file')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='a_rejected_payload_says_why')],
            },
        ),
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
            ],
            options={
                'verbose_name': 'dead letter',
                'verbose_name_plural': 'dead letters',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('channels_app.rawevent',),
        ),
        migrations.CreateModel(
            name='Thread',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=255)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='threads', to='channels_app.channel')),
                ('joined_to', models.ForeignKey(blank=True, help_text='A post arrived late and showed that both are one conversation.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='joined', to='channels_app.thread')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='a_thread_stands_once_per_channel'), models.CheckConstraint(condition=models.Q(('joined_to', models.F('id')), _negated=True), name='a_thread_is_not_joined_to_itself')],
            },
        ),
        migrations.AddField(
            model_name='message',
            name='thread',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='channels_app.thread'),
        ),
        migrations.CreateModel(
            name='ChannelPromise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('acknowledge_minutes', models.PositiveIntegerField(default=60, verbose_name='acknowledged within')),
                ('acknowledge_warn', models.PositiveIntegerField(default=15, verbose_name='at risk before')),
                ('answer_minutes', models.PositiveIntegerField(default=240, verbose_name='answered within')),
                ('answer_warn', models.PositiveIntegerField(default=60, verbose_name='at risk before')),
                ('resolve_minutes', models.PositiveIntegerField(default=4320, verbose_name='resolved within')),
                ('resolve_warn', models.PositiveIntegerField(default=480, verbose_name='at risk before')),
                ('what_we_do', models.TextField(blank=True, max_length=2000, verbose_name='what we do here')),
                ('what_we_do_not', models.TextField(blank=True, max_length=2000, verbose_name='what we do not do here')),
                ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published')),
                ('calendar', models.ForeignKey(blank=True, help_text='Empty: day and night, all year.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.calendar', verbose_name='hours')),
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='promise', to='channels_app.channel')),
            ],
            options={
                'verbose_name': 'promise of a channel',
                'verbose_name_plural': 'promises of channels',
                'constraints': [models.CheckConstraint(condition=models.Q(('acknowledge_warn__lt', models.F('acknowledge_minutes')), ('answer_warn__lt', models.F('answer_minutes')), ('resolve_warn__lt', models.F('resolve_minutes'))), name='a_promise_is_at_risk_before_its_end_not_from_its_start')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='nobody_is_contacted_against_their_will', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE asked bigint; forbidden boolean;', func="\n    IF TG_OP = 'UPDATE' AND NEW.state <> 'sending' THEN\n        RETURN NEW;\n    END IF;\n    SELECT link.customer_id INTO asked\n      FROM channels_app_message AS message\n      JOIN channels_app_channel AS channel ON channel.id = message.channel_id AND channel.platform <> 'by_hand'\n      JOIN crm_identitylink AS link ON link.identity_id = message.identity_id AND link.state = 'confirmed'\n     WHERE message.id = NEW.message_id;\n    IF asked IS NULL THEN\n        RETURN NEW;\n    END IF;\n    WITH RECURSIVE line AS (\n        SELECT id, merged_into_id FROM crm_customer WHERE id = asked\n         UNION\n        SELECT next.id, next.merged_into_id FROM crm_customer AS next JOIN line ON next.id = line.merged_into_id\n    )\n    SELECT stands.do_not_contact_at IS NOT NULL OR stands.erased_at IS NOT NULL OR EXISTS (\n               SELECT FROM crm_consent\n                WHERE customer_id = stands.id AND purpose = 'care_reply' AND state = 'refused'\n           )\n      INTO forbidden\n      FROM line JOIN crm_customer AS stands ON stands.id = line.id\n     WHERE stands.merged_into_id IS NULL;\n    IF forbidden IS NOT FALSE THEN\n        RAISE EXCEPTION USING\n            ERRCODE = 'check_violation', CONSTRAINT = 'nobody_is_contacted_against_their_will',\n            MESSAGE = 'Nothing may be sent to this customer.', DETAIL = asked::text;\n    END IF;\n    RETURN NEW;\n", hash='16b19cc21eca31a8b78bcff5de20c0e8e68032c5', operation='INSERT OR UPDATE OF "state"', pgid='pgtrigger_nobody_is_contacted_against_their_will_1c708', table='channels_app_delivery', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policy',
            trigger=pgtrigger.compiler.Trigger(name='a_published_version_of_a_policy_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='f63ee4c019fc1c5f6bfe327b0c30ef83d732066e', operation='UPDATE', pgid='pgtrigger_a_published_version_of_a_policy_never_changes_5b41d', table='channels_app_policy', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['thread', 'occurred_at', 'id'], name='message_in_thread'),
        ),
    ]
