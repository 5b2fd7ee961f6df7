"""What mail programs support, by Can I Email: ``data.json``, its date within; MIT, the notice is in ``LICENSE``."""
