"""The two gates: may a night's feed be published, and may a challenger become champion?"""
