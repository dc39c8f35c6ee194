"""The bus: message in, one handler, one transaction, messages out."""
