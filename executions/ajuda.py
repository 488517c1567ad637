"""What every word of the pages means. The help page lists the models' own choices, so a new one without its sentence is
an error there, and in tests/test_ajuda.py first.
"""

from django.utils.translation import gettext_lazy as _

from executions.models import Alarme, Disparo, Execucao, JobItem, Processo
from executions.panorama import Espera
from executions.results import ErroClasse, Resultado

EXECUCAO = {
    Execucao.Status.QUEUED: _("Está na fila: nenhum item foi tomado ainda. A página dela diz o que ela espera."),
    Execucao.Status.RUNNING: _("Robôs trabalham nela, ou voltam a trabalhar quando o que ela espera acontecer."),
    Execucao.Status.DONE: _("Todos os itens têm um desfecho. Os que falharam podem ser reabertos."),
    Execucao.Status.ERROR: _("Terminou antes do fim, pelo motivo escrito nela. Os itens abertos falharam."),
}
ITEM = {
    JobItem.Status.PENDING: _("Espera um robô, ou a hora da próxima tentativa."),
    JobItem.Status.RUNNING: _("Está nas mãos de um robô agora."),
    JobItem.Status.DONE: _("Tem uma resposta: o resultado diz qual."),
    JobItem.Status.FAILED: _("Ficou sem resposta: a classe da falha diz por quê. Não significa «não localizada»."),
}
RESULTADO = {
    Resultado.PROTOCOLADA: _("A petição está nos autos: o portal mostra o documento com o identificador procurado."),
    Resultado.NAO_LOCALIZADA: _("O processo foi lido até o fim, anexos incluídos, e a petição não está lá."),
    Resultado.POSSIVEL: _("Há algo parecido, mas o portal não dá prova: uma pessoa precisa conferir."),
    Resultado.PROCESSO_NAO_ENCONTRADO: _("O portal diz que não há processo com este número."),
    Resultado.SEGREDO_JUSTICA: _("O processo corre em segredo: esta credencial não pode lê-lo."),
    Resultado.MIGRADO: _("O processo foi para outro sistema: é lá que se confere."),
    Resultado.AMBIGUA: _("Mais de um documento serve: uma pessoa precisa dizer qual é."),
}
FALHA = {
    ErroClasse.PORTAL_INDISPONIVEL: _("O portal não respondeu em três tentativas. Reabra quando ele estiver no ar."),
    ErroClasse.SESSAO_EXPIRADA: _("O portal encerrou a sessão e o novo login não bastou. Pode ser reaberto."),
    ErroClasse.CAPTCHA: _("O portal pediu um captcha. Nenhum robô o contorna: é preciso uma pessoa."),
    ErroClasse.BLOQUEADO: _("O portal bloqueou o acesso por ora. A credencial descansa alguns minutos."),
    ErroClasse.CREDENCIAL_RECUSADA: _("Usuário ou senha recusados. Corrija a credencial e reabra as falhas."),
    ErroClasse.CODIGO_2FA: _("O portal pediu um código de verificação: é preciso uma pessoa."),
    ErroClasse.LAYOUT_MUDOU: _("A página não tem nada do que o robô conhece. Avise quem mantém o sistema."),
    ErroClasse.TEMPO_ESGOTADO: _("O portal demorou mais do que o limite em três tentativas. Pode ser reaberto."),
    ErroClasse.NAVEGADOR: _("O navegador do robô falhou em três tentativas. Pode ser reaberto."),
    ErroClasse.VENENO: _("Este item derrubou o robô três vezes. Abra-o à mão no portal."),
    ErroClasse.ENCERRADO: _("Alguém encerrou a execução ou o robô. Pode ser reaberto."),
    ErroClasse.SEM_HEARTBEAT: _("Nenhum robô deu sinal por tempo demais. Veja as máquinas e reabra."),
    ErroClasse.ENTRADA_INVALIDA: _("O nome do arquivo não diz o que procurar. Corrija o nome e envie de novo."),
}
PROCESSO = {
    Processo.Status.REQUESTED: _("Foi pedido, e a máquina ainda não o iniciou."),
    Processo.Status.STARTING: _("A máquina está iniciando o processo."),
    Processo.Status.RUNNING: _("Está vivo e dá sinal."),
    Processo.Status.STOPPING: _("Está sendo parado, com tudo o que abriu."),
    Processo.Status.EXITED: _("Terminou por si. O desfecho diz como."),
    Processo.Status.KILLED: _("Foi parado à força, e nada dele restou."),
    Processo.Status.LOST: _("Sumiu sem dizer nada: a máquina parou, ou ele nunca começou."),
}
TRABALHO = {
    "trabalhando": _("Tem um item em mãos."),
    "entrando": _("Abre o navegador e entra no portal. Ainda não tomou um item."),
    "sem_item": _("Entrou, e espera um item: todos estão com outros robôs, ou esperam a hora da nova tentativa."),
    "sem_sinal": _("Não dá sinal há mais de meio minuto. Se continuar, é parado, e o item volta à fila."),
    "encerrando": _("Uma pessoa mandou parar; some daqui quando nada dele restar."),
}
MOTIVO = {
    Processo.Motivo.CONCLUIDO: _("Fez o que tinha a fazer."),
    Processo.Motivo.PAUSA: _("A execução foi pausada: o robô devolveu o item e saiu."),
    Processo.Motivo.ENCERRADO: _("Uma pessoa mandou parar."),
    Processo.Motivo.PARADA: _("A máquina foi parada ou esvaziada."),
    Processo.Motivo.PORTAL: _("O portal não responde: o robô saiu para não gastar tentativas."),
    Processo.Motivo.CREDENCIAL: _("O portal recusou usuário ou senha."),
    Processo.Motivo.BLOQUEADO: _("O portal bloqueou o acesso por alguns minutos."),
    Processo.Motivo.LOGIN: _("O login pede um código ou um captcha: é preciso uma pessoa."),
    Processo.Motivo.EXCEDENTE: _("O máximo de robôs diminuiu, e este sobrava."),
    Processo.Motivo.RECICLADO: _("Depois de muitos itens, ou de muita memória, um robô novo toma o lugar."),
    Processo.Motivo.NAVEGADOR: _("O navegador falhou; um robô novo toma o lugar."),
    Processo.Motivo.SEM_PROGRESSO: _("Ficou tempo demais no mesmo passo e foi parado."),
    Processo.Motivo.CERCADO: _("O item já tinha passado para outro robô: este parou sem escrever nada."),
    Processo.Motivo.SEM_BANCO: _("O banco de dados não respondeu: o robô saiu, e o item volta sem perder a tentativa."),
    Processo.Motivo.SEM_MEMORIA: _("Faltou memória, e o sistema operacional o encerrou. Use menos robôs na máquina."),
    Processo.Motivo.SEM_DISCO: _("Restavam 5 % do disco ou menos: o robô saiu, e o item volta sem perder a tentativa."),
    Processo.Motivo.FALHA: _("Terminou com erro. As últimas palavras dele estão na página."),
    Processo.Motivo.PERDIDO: _("Não dá sinal, e ninguém sabe como acabou."),
    Processo.Motivo.TEMPO: _("Passou do tempo limite."),
    Processo.Motivo.CANCELADO: _("Uma pessoa cancelou; o script teve alguns segundos para terminar."),
    Processo.Motivo.MEMORIA: _("Usou mais memória do que o cadastro permite."),
    Processo.Motivo.PROCESSOS: _("Abriu mais processos do que o cadastro permite."),
    Processo.Motivo.ENTRADA: _("Esperava que alguém digitasse algo, e ninguém pode."),
    Processo.Motivo.RECUSADO: _("Não chegou a começar: o arquivo mudou, ou não pode ser executado."),
}
ESPERA = {
    Espera.PAUSADA: _("Uma pessoa pausou. Use Retomar."),
    Espera.COMPLETA: _("Não falta nada: é só aguardar."),
    Espera.RECUO: _("Cada nova tentativa espera alguns segundos a mais."),
    Espera.VEZ: _("As execuções vão por ordem de prioridade e de chegada."),
    Espera.PORTAL: _("Volta sozinha quando o portal responder. Veja Portais."),
    Espera.CREDENCIAL: _("Volta sozinha quando o bloqueio passar. Veja Portais."),
    Espera.LOGIN: _("Um robô só entra primeiro, para que uma senha errada não bloqueie a conta."),
    Espera.ENTRADA: _("Os robôs que já entraram continuam. Talvez o portal não aceite mais sessões do que estas."),
    Espera.SESSOES: _("Outro robô precisa sair antes. O limite está no cadastro do portal e da credencial."),
    Espera.SEM_MAQUINA: _("Peça a quem cuida das máquinas que ligue uma. Veja Máquinas."),
    Espera.SEM_DISCO: _("Volta sozinha quando houver espaço. Peça a quem cuida das máquinas. Veja Máquinas."),
    Espera.SEM_LUGAR: _("Começa quando um robô de outra execução sair. Veja Máquinas."),
}
DISPARO = {
    Disparo.Desfecho.INICIANDO: _("A hora chegou, e uma máquina está iniciando."),
    Disparo.Desfecho.INICIADO: _("Começou na hora marcada."),
    Disparo.Desfecho.PULADO: _("O anterior ainda rodava, ou nenhum agendador estava ligado nesta hora."),
    Disparo.Desfecho.RECUSADO: _("Não pôde começar, pelo motivo escrito ao lado."),
    Disparo.Desfecho.MANUAL: _("Uma pessoa mandou executar agora."),
}
# What to do when an alarm goes off; docs/observability.md says more.
ALARME = {
    Alarme.SEM_PROGRESSO: _("Veja os robôs dela. Reinicie o que está parado; se todos estão, olhe o portal."),
    Alarme.FILA_PARADA: _("Veja o que as execuções esperam: uma máquina desligada, uma senha, um portal."),
    Alarme.CANARIO: _("A fila é reiniciada sozinha. Se o alarme ficar, reinicie o runrobots da máquina."),
    Alarme.AGENDADOR: _("Nenhuma máquina pede robôs: ligue o runrobots de uma."),
    Alarme.WATCHDOG: _("Ninguém recolhe o que trava: ligue o runrobots de uma máquina."),
    Alarme.ESCRITA_BARRADA: _("Nada foi gravado. Se repetir, a máquina do robô congela."),
    Alarme.CONTADORES: _("Foram corrigidos. É um defeito nosso: avise quem mantém o sistema, com o log da execução."),
    Alarme.VENENO: _("Abra os itens com falha «veneno» à mão no portal. Avise quem mantém o robô."),
    Alarme.QUEDAS: _("Veja as últimas palavras dos robôs e a memória da máquina. Menos robôs podem bastar."),
    Alarme.PORTAL: _("Nada a fazer aqui: as execuções voltam quando o portal responder. Abra-o em um navegador."),
    Alarme.CREDENCIAL: _("Corrija a senha da credencial e reabra as falhas. Ninguém tenta antes."),
    Alarme.DISCO: _("Apague o que não é preciso na máquina. Com 5 % ela deixa de receber pedidos."),
    Alarme.POSSES: _("Robôs somem sem avisar: veja a rede entre a máquina e o banco de dados, e a carga dela."),
    Alarme.ORFAOS: _("Veja na máquina que processos não morrem; em último caso, reinicie-a."),
    Alarme.ENCERRAR_TODOS: _("Alguém encerrou tudo. O registro diz quem; as execuções podem ser reabertas."),
    Alarme.LOGINS: _("Alguém esqueceu a senha, ou tenta adivinhá-la. O registro diz de onde."),
}

PALAVRAS = (
    (_("Execução"), _("Um lote de arquivos a verificar em um portal, com um máximo de robôs.")),
    (_("Item"), _("Um arquivo da execução: uma petição procurada em um processo judicial.")),
    (_("Robô"), _("Um navegador conduzido pelo sistema. Trabalha em um item de cada vez.")),
    (_("Processo"), _("Na página Processos, um programa em uma máquina; nos itens, o processo judicial.")),
    (_("Script"), _("Um programa cadastrado, que roda um de cada vez, com limites.")),
    (_("Máquina"), _("Um computador com manage.py runrobots ligado: é onde robôs e scripts rodam.")),
    (_("Credencial"), _("O usuário e a senha de um portal. A senha é guardada cifrada e nunca é mostrada.")),
    (_("A conferir"), _("Itens com resposta que uma pessoa precisa olhar: possível, ambígua, segredo, migrado…")),
    (_("Falha"), _("Um item sem resposta. Uma falha nunca é uma resposta.")),
    (_("Reabrir"), _("Devolver itens que falharam à fila. As tentativas contam de novo desde o começo.")),
    (_("Pausar"), _("Os robôs terminam o item em mãos e saem. Nada se perde.")),
    (_("Encerrar"), _("Parar à força. Os itens abertos falham como encerrados e podem ser reabertos.")),
    (_("Reiniciar"), _("Parar um robô à força e pedir outro. O item em mãos volta a pendente.")),
    (_("Esvaziar"), _("Tirar os robôs e os scripts de uma máquina, que continua ligada.")),
)
ONDE = (
    (_("Uma execução não anda"), _("A linha «por que está esperando», na página dela."), "painel"),
    (_("Um portal parece fora do ar"), _("Portais: desde quando, por quê e a próxima conferência."), "portais"),
    (_("A senha de um portal mudou"), _("Portais: troque a senha da credencial e reabra as falhas."), "portais"),
    (_("Nada começa"), _("Máquinas: alguma precisa estar ligada e com lugar."), "maquinas"),
    (_("Um script travou"), _("Processos: o log dele, Cancelar e Encerrar."), "processos"),
    (_("Algo não começou na hora"), _("Agenda: o último disparo diz o motivo."), "agenda"),
)  # fmt: skip
