from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0016_painel")]

    operations = [
        migrations.AddField(
            model_name="linhaconferida",
            name="busca",
            field=models.CharField(default="", max_length=360),
            preserve_default=False,
        )
    ]
