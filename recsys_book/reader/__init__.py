"""The reader's side: environment, working copies, JupyterLab, start page."""
