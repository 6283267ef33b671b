"""Where a bundle's executable begins."""

import sys

from desktop.__main__ import main

sys.exit(main())
