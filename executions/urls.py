from django.urls import path

from executions.views import acoes, confirmar, execucao, painel

app_name = "executions"
urlpatterns = [
    path("", painel.painel, name="painel"),
    path("execucoes/<int:pk>/", execucao.execucao, name="execucao"),
    path("execucoes/<int:pk>/iniciar", acoes.iniciar, name="iniciar"),
    path("execucoes/<int:pk>/pausar", acoes.pausar, name="pausar"),
    path("execucoes/<int:pk>/retomar", acoes.retomar, name="retomar"),
    path("execucoes/<int:pk>/encerrar", acoes.encerrar, name="encerrar"),
    path("execucoes/<int:pk>/encerrar/confirmar", confirmar.encerrar, name="confirmar_encerrar"),
    path("execucoes/<int:pk>/reabrir", acoes.reabrir, name="reabrir"),
    path("robos/<uuid:uuid>/encerrar", acoes.encerrar_robo, name="encerrar_robo"),
    path("robos/<uuid:uuid>/encerrar/confirmar", confirmar.encerrar_robo, name="confirmar_encerrar_robo"),
    path("robos/<uuid:uuid>/reiniciar", acoes.reiniciar_robo, name="reiniciar_robo"),
    path("robos/<uuid:uuid>/reiniciar/confirmar", confirmar.reiniciar_robo, name="confirmar_reiniciar_robo"),
]
