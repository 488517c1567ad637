from django.urls import path

from executions.views import acoes, confirmar, encerrar, execucao, painel, processo, quadro, scripts

app_name = "executions"
urlpatterns = [
    path("", painel.painel, name="painel"),
    path("execucoes/<int:pk>/", execucao.execucao, name="execucao"),
    path("execucoes/<int:pk>/iniciar", acoes.iniciar, name="iniciar"),
    path("execucoes/<int:pk>/pausar", acoes.pausar, name="pausar"),
    path("execucoes/<int:pk>/retomar", acoes.retomar, name="retomar"),
    path("execucoes/<int:pk>/prioridade", acoes.priorizar, name="priorizar"),
    path("execucoes/<int:pk>/encerrar", acoes.encerrar, name="encerrar"),
    path("execucoes/<int:pk>/encerrar/confirmar", confirmar.encerrar, name="confirmar_encerrar"),
    path("execucoes/<int:pk>/reabrir", acoes.reabrir, name="reabrir"),
    path("robos/<uuid:uuid>/encerrar", acoes.encerrar_robo, name="encerrar_robo"),
    path("robos/<uuid:uuid>/encerrar/confirmar", confirmar.encerrar_robo, name="confirmar_encerrar_robo"),
    path("robos/<uuid:uuid>/reiniciar", acoes.reiniciar_robo, name="reiniciar_robo"),
    path("robos/<uuid:uuid>/reiniciar/confirmar", confirmar.reiniciar_robo, name="confirmar_reiniciar_robo"),
    path("processos/", quadro.processos, name="processos"),
    path("processos/encerrar/confirmar", encerrar.confirmar_todos, name="confirmar_encerrar_todos"),
    path("processos/encerrar-scripts", encerrar.encerrar_scripts, name="encerrar_scripts"),
    path("processos/encerrar-tudo", encerrar.encerrar_tudo, name="encerrar_tudo"),
    path("processos/<uuid:uuid>/", processo.processo, name="processo"),
    path("processos/<uuid:uuid>/log", processo.baixar_log, name="baixar_log"),
    path("processos/<uuid:uuid>/cancelar", encerrar.cancelar, name="cancelar_processo"),
    path("processos/<uuid:uuid>/encerrar", encerrar.encerrar, name="encerrar_processo"),
    path("processos/<uuid:uuid>/encerrar/confirmar", encerrar.confirmar_encerrar, name="confirmar_encerrar_processo"),
    path("scripts/<int:pk>/", scripts.script, name="script"),
    path("scripts/<int:pk>/executar", scripts.executar, name="executar_script"),
]
