"""Laws of single numbers: what a study may say that a factor or a shock is drawn from."""
