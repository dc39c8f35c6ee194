"""payment-service: packages, payments, vouchers, and what M-Pesa says about them."""
